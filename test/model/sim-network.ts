import { SimServer, type Command, type Watcher } from './sim-server.ts'
import type { Owner, Simulation } from './simulation.ts'

/** What ails the server, for all. */
export type ServerState =
  | 'up'
  /** Connections are refused. */
  | 'down'
  /** It accepts connections and says nothing; what it was sent it does when it goes on. */
  | 'hung'
  /** It answers every command with an error. */
  | 'busy'
  /** It reads, and answers every write with an error. */
  | 'read_only'

/** What ails the way of one instance to the server. */
export interface PathFaults {
  /** Nothing gets through until then, and all of it afterwards; as with lost packets. */
  stalledUntil: number
  /** No connection can be made until then. */
  cutUntil: number
  /** Added to each way. */
  slowMs: number
  /** How often a command fails: before it is done, or after. */
  failBefore: number
  failAfter: number
}

interface Request {
  readonly command: Command
  readonly answer: (reply: Reply) => void
}

export type Reply = { readonly value: unknown } | { readonly error: Error }

/** Where a client hears of what it did not ask. */
export interface WireEvents {
  /** Once, when it breaks. */
  readonly closed: (cause: Error) => void
  /** Where this is left out, the server is not asked to tell. */
  readonly changed?: (key: string | undefined) => void
}

/** The server, and all ways to it. */
export class SimNetwork {
  readonly sim: Simulation
  readonly server: SimServer
  /** The network itself: outlives every instance. */
  readonly world: Owner = { name: 'network', isAlive: true }
  readonly wires = new Set<Wire>()
  #state: ServerState = 'up'

  constructor(sim: Simulation) {
    this.sim = sim
    this.server = new SimServer(sim)
  }

  get state(): ServerState {
    return this.#state
  }

  setState(state: ServerState): void {
    const before = this.#state
    this.#state = state
    if (state === 'down') this.dropAll()
    if (before === 'hung' && state !== 'hung' && state !== 'down') for (const wire of this.wires) wire.goOn()
    if (state === 'hung') for (const wire of this.wires) wire.heartbeat()
  }

  /** Every connection breaks. */
  dropAll(): void {
    for (const wire of this.wires) wire.cut()
  }

  empty(): void {
    this.server.empty()
  }

  failOver(lostWrites: number): Set<string> {
    this.dropAll()
    return this.server.failOver(lostWrites)
  }
}

/** How often an idle connection is tried. */
const HEARTBEAT_MS = 250

/** One connection: both ways keep their order. */
export class Wire implements Watcher {
  readonly #network: SimNetwork
  readonly #owner: Owner
  readonly #faults: PathFaults
  readonly #events: WireEvents
  readonly #deadlineMs: number
  /** On their way to the server. */
  #sent: Request[] = []
  /** Arrived at a server that hangs. */
  #backlog: Request[] = []
  /** On their way to the client. */
  #received: { readonly due: number; readonly run: () => void }[] = []
  #lastDue = 0
  #isOpen = true
  #isServed = true

  constructor(network: SimNetwork, owner: Owner, faults: PathFaults, deadlineMs: number, events: WireEvents) {
    this.#network = network
    this.#owner = owner
    this.#faults = faults
    this.#deadlineMs = deadlineMs
    this.#events = events
    network.wires.add(this)
    if (events.changed !== undefined) network.server.track(this)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  request(command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { sim } = this.#network
      const cancelDeadline = sim.after(this.#deadlineMs, this.#owner, () => {
        this.#lose(new Error('no answer in time'))
      })
      const fail = (cause: Error): void => {
        cancelDeadline()
        this.#failing.delete(fail)
        reject(cause)
      }
      const answer = (reply: Reply): void => {
        cancelDeadline()
        this.#failing.delete(fail)
        if ('error' in reply) reject(reply.error)
        else resolve(reply.value)
      }
      this.#failing.add(fail)
      if (!this.#isOpen) return fail(new Error('not connected'))
      this.#sent.push({ command, answer })
      this.#travel()
    })
  }

  readonly #failing = new Set<(cause: Error) => void>()

  /** The server tells of a change. */
  invalidate(key: string | undefined): void {
    this.#deliver(() => this.#events.changed?.(key))
  }

  /** Breaks at once: some of what was sent still arrives, nothing comes back. */
  cut(): void {
    const arriving = this.#network.sim.random.between(0, this.#sent.length)
    this.#sent.splice(arriving)
    this.#isServed = false
    this.#network.server.forget(this)
    this.#received = []
    this.#lose(new Error('the connection was reset'))
  }

  /** The server went on: it does what it had been sent, even by those who are gone. */
  goOn(): void {
    for (const request of this.#backlog.splice(0)) this.#execute(request)
    this.#forgetWhenDone()
  }

  /** What an idle connection sends now and then, so that one that died unnoticed is noticed. */
  heartbeat(): void {
    const { sim } = this.#network
    const delay = sim.random.next() * HEARTBEAT_MS
    sim.after(delay, this.#owner, () => {
      if (this.#isOpen && this.#failing.size === 0) this.request({ name: 'ping' }).catch(() => undefined)
    })
  }

  /** The instance is gone, or wants no more: who waits there waits for ever. */
  abandon(): void {
    this.#isOpen = false
    this.#failing.clear()
    this.#forgetWhenDone()
  }

  #travel(): void {
    const { sim, world } = this.#network
    const arrive = (): void => {
      if (this.#faults.stalledUntil > sim.now) return void sim.after(this.#faults.stalledUntil - sim.now, world, arrive)
      const request = this.#sent.shift()
      if (request === undefined) return
      if (this.#network.state === 'hung') this.#backlog.push(request)
      else if (this.#network.state !== 'down') this.#execute(request)
      this.#forgetWhenDone()
    }
    sim.after(this.#latency(), world, arrive)
  }

  #execute({ command, answer }: Request): void {
    const { sim, server, state } = this.#network
    const { failBefore, failAfter } = this.#faults
    const isRefused = state === 'busy' || (state === 'read_only' && SimServer.isWrite(command))
    if (isRefused || sim.random.chance(failBefore)) {
      return this.#deliver(() => answer({ error: new Error('the server answers with an error') }))
    }
    const value = server.execute(command, this.#isServed && this.#events.changed !== undefined ? this : undefined)
    if (sim.random.chance(failAfter)) {
      return this.#deliver(() => answer({ error: new Error('the answer was lost') }))
    }
    this.#deliver(() => answer({ value }))
  }

  #deliver(run: () => void): void {
    if (!this.#isServed) return
    const { sim, world } = this.#network
    this.#lastDue = Math.max(this.#lastDue, sim.now + this.#latency())
    this.#received.push({ due: this.#lastDue, run })
    const arrive = (): void => {
      // On its way, or in the socket of one who stands still.
      const heldUntil = Math.max(this.#faults.stalledUntil, this.#owner.pausedUntil ?? 0)
      if (heldUntil > sim.now) return void sim.after(heldUntil - sim.now, world, arrive)
      // Several messages may lie in one packet: then nothing happens between them.
      const until = sim.now + (sim.random.chance(0.5) ? 0.5 : 0)
      while (this.#isOpen && this.#owner.isAlive && (this.#received[0]?.due ?? Infinity) <= until)
        this.#received.shift()?.run()
    }
    sim.after(this.#lastDue - sim.now, world, arrive)
  }

  #lose(cause: Error): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#events.closed(cause)
    for (const fail of this.#failing) fail(cause)
    this.#forgetWhenDone()
  }

  /** The server sees that nobody is there once it has done what it was sent. */
  #forgetWhenDone(): void {
    if (this.#isOpen || this.#sent.length > 0 || this.#backlog.length > 0) return
    this.#isServed = false
    this.#network.server.forget(this)
    this.#network.wires.delete(this)
  }

  #latency(): number {
    const { random } = this.#network.sim
    const base = random.chance(0.1) ? 3 + random.next() * 20 : 0.1 + random.next() * 2
    return base + this.#faults.slowMs * random.next()
  }
}
