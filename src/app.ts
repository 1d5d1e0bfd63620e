import type { AddressInfo } from 'node:net'
import { compileGeneration, renewByCurrent } from './app/generation.ts'
import { createHandlerOutbound } from './app/handler-outbound.ts'
import { createGrpcListener } from './app/grpc-listener.ts'
import { createApiListener, createProxyListener, healthSources, listen } from './app/listeners.ts'
import { load, loadOptions } from './app/load.ts'
import { Reloader } from './app/reloader.ts'
import { serveMetrics } from './app/metrics.ts'
import { createRequestObserver } from './app/request-observer.ts'
import { ruleSettings } from './app/rule-settings.ts'
import { createDecisionObserver } from './app/decision-observer.ts'
import { openTracing } from './app/tracing.ts'
import { openSessions } from './app/sessions.ts'
import { createServices } from './app/services.ts'
import { TemplateReach } from './app/template-reach.ts'
import { signingKeyLocations } from './app/signing.ts'
import type { Config } from './config/config.ts'
import { type ConfigWatch, watchConfig } from './config/watch.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { formatProblem } from './kernel/problem.ts'
import { CleanupStack } from './lib/cleanup-stack.ts'
import { packageVersion } from './lib/package-version.ts'
import { startProfile } from './observability/profile.ts'
import { createMetrics } from './observability/metrics/metrics.ts'
import { createLog, type Log, type LogSink } from './observability/log.ts'
import { watchStandstill } from './observability/standstill.ts'
import { createGate } from './pipeline/gate.ts'
import { createRuleRepository } from './rules/repository.ts'

export { validateApp } from './app/validate.ts'

export interface AppOptions {
  /** In the order of the command line. */
  readonly configFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly clock?: Clock
  /** Default: standard error. */
  readonly logSink?: LogSink
}

export interface RunningApp {
  /** Where it listens. */
  readonly addresses: {
    readonly proxy: AddressInfo
    readonly api: AddressInfo
    /** Nothing when it is not enabled. */
    readonly grpc: AddressInfo | undefined
    /** Nothing when its port is taken. */
    readonly metrics: AddressInfo | undefined
  }
  /** Loads configuration and rules again, whether or not a file changed. */
  reload(): void
  /** Stops listening, lets requests finish, closes the store. */
  stop(): Promise<void>
  /** The exit code, once everything is closed. */
  readonly stopped: Promise<number>
}

/** How long requests under way may take to finish when the process is told to stop; Oathkeeper's figure. */
const STOP_GRACE_MS = 5_000

/**
 * Joins the parts and starts them.
 * @throws {ProblemsError} the configuration is refused.
 * @throws {StartError} it could not start although the configuration is right.
 */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { configFiles, env, clock = systemClock } = options
  const loaded = load(configFiles, env)
  const { config, warnings } = loaded
  const log = openLog(config, options)
  for (const warning of warnings) log.warn({}, formatProblem(warning))

  await using undo = new CleanupStack()
  undo.defer(() => log.flushSync())
  undo.defer(watchStandstill(log))
  const profile = config.profiling === undefined ? undefined : await startProfile(config.profiling, log)
  undo.defer(() => profile?.stop())
  const sessions = undo.adopt(await openSessions(config, { clock, logger: log }), (opened) => opened.close())
  const outbound = undo.adopt(createHandlerOutbound(), (opened) => opened.close())
  const { signingKeys, handlers } = createServices({ outbound, clock, logger: log, readsAhead: true })
  const templateReach = undo.adopt(new TemplateReach({ env, clock, logger: log }), (opened) => opened.close())
  await templateReach.follow(config.templates)
  const deps = {
    sessions: sessions.manager,
    states: sessions.states,
    logouts: sessions.logouts,
    takeForkSession: sessions.takeForkSession,
    services: handlers,
    templateReach,
    clock,
    logger: log,
  }
  const first = compileGeneration(loaded, deps)
  for (const problem of first.problems) log.error({}, `an error handler has a mistake: ${formatProblem(problem)}`)
  const rules = undo.adopt(await createRuleRepository(ruleSettings(first), { clock, logger: log }), (opened) =>
    opened.close(),
  )
  const reloader = new Reloader({
    first,
    compile: (changed) => compileGeneration(changed, deps),
    rules,
    sessions,
    templateReach,
    logger: log,
  })
  sessions.manager.onRefresh(...renewByCurrent(() => reloader.current))
  undo.defer(async () => {
    await reloader.settled()
    await reloader.current.signIn.close()
  })
  const metrics = undo.adopt(createMetrics(config.serve.prometheus), (counting) => counting.close())
  const tracing = undo.adopt(await openTracing(config, log), (opened) => opened?.close())
  const gate = createGate({
    current: () => ({ matcher: rules.matcher, fallback: reloader.current.fallback }),
    onDecision: createDecisionObserver(log, metrics, tracing !== undefined),
  })

  const observing = { metrics, log, isOwnCookie: (name: string) => reloader.current.signIn.isOwnCookie(name) }
  const listenerDeps = {
    gate,
    sessions: sessions.manager,
    signIn: () => reloader.current.signIn,
    cors: () => reloader.current.cors,
    answered: {
      proxy: createRequestObserver('oathkeeper-proxy', config, observing),
      api: createRequestObserver('oathkeeper-api', config, observing),
    },
    tracing,
    rules,
    health: healthSources(rules, sessions.store),
    keys: () => signingKeys.publicKeys(signingKeyLocations(reloader.current.config, rules.list())),
    clock,
    logger: log,
  }
  const proxy = createProxyListener(config, listenerDeps)
  const api = createApiListener(config, listenerDeps)
  const grpc = createGrpcListener(config, listenerDeps)
  const subjects = { rules, reloader, sessions }
  const serving = await serveMetrics(config, metrics, subjects, { clock, logger: log })
  undo.defer(() => serving.listener.close(0))
  const listeners = [proxy, api, ...(grpc === undefined ? [] : [grpc])]
  undo.defer(async () => void (await Promise.all(listeners.map((listener) => listener.close(STOP_GRACE_MS)))))
  const addresses = {
    proxy: await listen('proxy', proxy, config, log),
    api: await listen('api', api, config, log),
    grpc: grpc && (await listen('grpc', grpc, config, log)),
    metrics: serving.address,
  }

  const watch: ConfigWatch = watchConfig({
    load: loadOptions(configFiles, env),
    loaded,
    onChange: (changed) => reloader.take(changed),
    onProblems: (problems) => reloader.refuse(problems),
    clock,
  })
  const running = undo.move()
  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<number>()
  let stopping: Promise<void> | undefined
  return {
    addresses,
    reload() {
      watch.reload()
      rules.lookAgain()
    },
    stopped,
    stop: () => (stopping ??= stop()),
  }

  async function stop(): Promise<void> {
    log.info({}, 'stopping: no new connections, requests under way may finish')
    // The clock's timers keep no process alive: without this one it would end amid the stop, once the last socket closed.
    const alive = setInterval(() => undefined, STOP_GRACE_MS)
    try {
      watch.close()
      await running[Symbol.asyncDispose]()
    } finally {
      clearInterval(alive)
    }
    resolveStopped(0)
  }
}

function openLog({ log }: Config, { clock, logSink }: AppOptions): Log {
  return createLog({
    level: log.level,
    format: log.format,
    source: { serviceName: 'Oathkeeper', serviceVersion: packageVersion() },
    ...(clock !== undefined && { clock }),
    ...(logSink !== undefined && { sink: logSink }),
  })
}
