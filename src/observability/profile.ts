import { Session } from 'node:inspector/promises'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../kernel/logger.ts'

/** `profiling` of the configuration. */
export type ProfileKind = 'cpu' | 'mem'

/** A profile that is being taken. */
export interface Profile {
  /** Writes it into a file of its own and says where. */
  stop(): Promise<void>
}

interface Profiler {
  start(session: Session): Promise<unknown>
  /** Gives the profile as Chrome's developer tools read it. */
  stop(session: Session): Promise<{ readonly profile: unknown }>
  readonly file: string
}

const CPU_INTERVAL_MICROS = 1_000
const MEM_INTERVAL_BYTES = 128 * 1024

const PROFILERS: Readonly<Record<ProfileKind, Profiler>> = {
  cpu: {
    async start(session) {
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_MICROS })
      await session.post('Profiler.start')
    },
    stop: (session) => session.post('Profiler.stop'),
    file: 'oathkeeper.cpuprofile',
  },
  mem: {
    start: (session) => session.post('HeapProfiler.startSampling', { samplingInterval: MEM_INTERVAL_BYTES }),
    stop: (session) => session.post('HeapProfiler.stopSampling'),
    file: 'oathkeeper.heapprofile',
  },
}

/** Begins to take a profile of the whole process. */
export async function startProfile(kind: ProfileKind, logger: Logger): Promise<Profile> {
  const { start, stop, file } = PROFILERS[kind]
  const session = new Session()
  session.connect()
  await start(session)
  logger.warn({ profiling: kind }, 'a profile is being taken, which makes everything slower; it is written at the end')
  return {
    async stop() {
      const { profile } = await stop(session)
      session.disconnect()
      try {
        const path = join(await mkdtemp(join(tmpdir(), 'oathkeeper-profile-')), file)
        await writeFile(path, JSON.stringify(profile), { mode: 0o600 })
        logger.info({ profiling: kind, path }, 'the profile is written')
      } catch (cause: unknown) {
        logger.error({ profiling: kind, error: cause }, 'the profile could not be written')
      }
    },
  }
}
