// Serving is what the child of an arm does: it answers the parent's questions, one at a time, and does nothing in between.
//
// A parked child must cost nothing, so no promise, timer or device work outlives an answer.

import { prepareTable } from '../framework/tuned.ts';
import { choose, kernels } from '../kernels/catalog.ts';
import { type Device, DeviceError } from '../kernels/device.ts';
import { clockNs, MAIN_THREAD, type Recorder, startTracing } from '../kernels/span.ts';
import type { Arm } from './arm.ts';
import { openDevice } from './devices.ts';
import { functionSubject } from './function-subject.ts';
import { kernelSubject } from './kernel-subject.ts';
import { peerSubject } from './peer-subject.ts';
import type { OpenPeer } from './peers/peer.ts';
import { ArmFailure, type CaseOrder, type Opened, PROTOCOL_VERSION, type Question, type Reply, type Verb, type Verbs } from './protocol.ts';
import { ROOF_SUITE, roofSuite } from './roof-suite.ts';
import { Sampler } from './sampler.ts';
import { withExtraCalls } from './selftest/injection.ts';
import type { Events } from './span.ts';
import type { Subject } from './subject.ts';
import { type Case, type Suite, UnknownSuiteError } from './suite.ts';
import { Stage } from './tuner/stage.ts';

/** How the reason begins where one of two revisions lacks a benchmark. */
export const ABSENT = 'this revision has no';

type SuiteLoader = (suite: string) => Promise<Suite>;
type Answers = { [V in Verb]: (ask: Verbs[V]['ask']) => Promise<Verbs[V]['answer']> };

/** Answers the parent of this process until it closes the channel. `load` finds a suite by its name or module URL. */
export function serve(load: SuiteLoader): void {
  const arm = new ServedArm(load);
  // Ctrl-C reaches the whole group of processes; whether and when an arm ends is the parent's to say.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (question: Question) => {
    const reply = await answer(arm, question);
    process.send!(reply, () => {
      if (question.verb === 'close') process.exit(0);
    });
  });
}

async function answer(arm: Answers, { id, verb, ask }: Question): Promise<Reply> {
  try {
    return { id, answer: await (arm[verb] as (ask: unknown) => Promise<unknown>)(ask) };
  } catch (error) {
    if (error instanceof ArmFailure) return { id, failure: { status: error.status, reason: error.reason } };
    // The error of a device or a peer already says what to do; of anything else the stack is what helps, and it goes to the talk.
    if (error instanceof Error && !(error instanceof DeviceError) && error.name !== 'PeerError') console.error(error.stack);
    return { id, failure: { status: 'failed', reason: error instanceof Error ? error.message : String(error) } };
  }
}

class ServedArm implements Answers {
  #load: SuiteLoader;
  #arm!: Arm;
  #device?: Device;
  /** Devices of all arms that this process has served, open until the end. */
  #devices = new Map<string, Device>();
  #peer?: OpenPeer;
  /** The suite's own arms by case; for function arms only. */
  #functions?: (caseName: string) => Promise<Subject>;
  /** What it lists; for function arms only. */
  #cases: readonly Case[] = [];
  #subject?: Subject;
  #sampler?: Sampler;
  /** Of the tuner. */
  #stage?: Stage;
  /** Absent where nobody wants a trace. */
  #recorder?: Recorder;

  constructor(load: SuiteLoader) {
    this.#load = load;
  }

  async open({ protocol, arm, suite, request, traced }: Verbs['open']['ask']): Promise<Opened> {
    if (protocol !== PROTOCOL_VERSION)
      throw new ArmFailure('failed', `the arm's process speaks protocol ${PROTOCOL_VERSION}, the parent ${protocol}; use one revision`);
    this.#arm = arm;
    if (traced) this.#recorder = startTracing();
    this.#device = arm.kind === 'kernel' ? await this.#deviceOf(arm) : undefined;
    if (arm.kind === 'peer') this.#peer = await openPeer(arm);
    // Kernels are given their tunables; functions choose them, by the table that the run goes by.
    if (arm.kind === 'function') await prepareTable();
    this.#functions = undefined;
    if (arm.kind === 'function') {
      const loaded = await this.#suiteOf(suite!, arm);
      this.#cases = loaded.cases(request!);
      this.#functions = functionsOf(loaded.name, this.#cases, arm);
    }
    const ownFlags = this.#device && 'v8Flags' in this.#device ? String(this.#device.v8Flags) : '';
    return {
      protocol: PROTOCOL_VERSION,
      adapter: this.#device?.name ?? versionsOf(this.#peer),
      v8Flags: [...process.execArgv, ownFlags].filter(Boolean).join(' ') || 'default',
      features: [...(this.#device?.features ?? [])],
      limits: { ...this.#device?.limits, ...quantumOf(this.#device) },
      identity: this.#device?.identity,
    };
  }

  async #suiteOf(name: string, arm: Arm): Promise<Suite> {
    if (name === ROOF_SUITE) return roofSuite;
    try {
      return await this.#load(name);
    } catch (error) {
      // Of two revisions the older may not have it yet, or the newer no longer.
      if (arm.revision && error instanceof UnknownSuiteError) throw new ArmFailure('skipped', `${ABSENT} such suite: ${error.message}`);
      throw error;
    }
  }

  async #deviceOf(arm: Arm): Promise<Device> {
    const key = `${arm.device}/${arm.threads}/${arm.flags}`;
    const device = this.#devices.get(key) ?? (await openDevice(arm.device, arm));
    this.#devices.set(key, device);
    return device;
  }

  async list() {
    return this.#cases.map(({ name, problem, devices, dtype, arms }) => ({
      name,
      problem,
      devices,
      dtype,
      arms: arms?.map(({ name, device, threads }) => ({ name, device, threads })),
    }));
  }

  async prepare({ case: order }: Verbs['prepare']['ask']) {
    await this.release();
    return this.#spanning('prepare', async () => {
      this.#subject = await this.#makeSubject(order);
      const { extraCalls } = this.#arm;
      this.#sampler = new Sampler(extraCalls === undefined ? this.#subject : withExtraCalls(this.#subject, extraCalls));
      return this.#subject.prepared;
    });
  }

  /** Does a piece of work that the trace, where there is one, shows as a span around all that happens in it. */
  async #spanning<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!this.#recorder) return work();
    const startNs = clockNs();
    const result = await work();
    this.#recorder.span(MAIN_THREAD, name, 'sample', startNs, clockNs());
    return result;
  }

  #makeSubject(order: CaseOrder): Promise<Subject> {
    if (this.#functions) return this.#functions(order.name);
    if (this.#peer) return peerSubject(this.#peer, order, this.#arm.device === 'webgpu');
    const wanted = order.kernel ?? this.#arm.kernel;
    if (wanted === undefined) return this.#chosenSubject(order);
    const kernel = kernels.find(({ name, op, device }) => name === wanted && op === order.problem!.op && device === this.#arm.device);
    if (!kernel) throw new ArmFailure('failed', `there is no kernel ${wanted} for ${order.problem?.op} on ${this.#arm.device}`);
    return kernelSubject(this.#device!, kernel, order);
  }

  /** The kernel that this revision chooses, with the tunables it chooses: what a user gets who names none. */
  #chosenSubject(order: CaseOrder): Promise<Subject> {
    const { kernel, tunables } = choose(order.problem!, this.#device!, { constants: order.constants });
    return kernelSubject(this.#device!, kernel, { ...order, tunables });
  }

  calibrate({ shareNs, sampleNs }: Verbs['calibrate']['ask']) {
    return this.#spanning('warm up', () => this.#sampler!.calibrate(shareNs, sampleNs));
  }

  sample({ iterations }: Verbs['sample']['ask']) {
    return this.#spanning('sample', () => this.#sampler!.sample(iterations));
  }

  async trace(): Promise<Events> {
    this.#recorder?.count('process memory (bytes)', process.memoryUsage.rss());
    return this.#recorder?.take() ?? { spans: [], counts: [], skipped: 0 };
  }

  async release() {
    await this.#subject?.close();
    this.#stage?.close();
    this.#subject = this.#sampler = this.#stage = undefined;
    return {};
  }

  async stage(order: Verbs['stage']['ask']) {
    await this.release();
    this.#stage = await Stage.open(this.#device!, order);
    return {};
  }

  compile({ candidates }: Verbs['compile']['ask']) {
    return this.#stage!.compile(candidates);
  }

  prove(order: Verbs['prove']['ask']) {
    return this.#stage!.prove(order);
  }

  warm(order: Verbs['warm']['ask']) {
    return this.#stage!.warm(order);
  }

  time(order: Verbs['time']['ask']) {
    return this.#stage!.time(order);
  }

  async drop(order: Verbs['drop']['ask']) {
    this.#stage!.drop(order);
    return {};
  }

  async close() {
    await this.release();
    await this.#peer?.close();
    for (const device of this.#devices.values()) await device.close();
    return {};
  }
}

/** Makes the subject of the arm in a case of the suite, listed anew in this process: functions do not travel between processes. */
function functionsOf(suite: string, listed: readonly Case[], arm: Arm): (caseName: string) => Promise<Subject> {
  const cases = new Map(listed.map((one) => [one.name, one]));
  return async (caseName) => {
    const one = cases.get(caseName);
    const found = one?.arms?.find(({ name }) => name === (arm.revision?.arm ?? arm.name));
    if (!found && arm.revision) throw new ArmFailure('skipped', `${ABSENT} ${caseName} with arm ${arm.revision.arm}`);
    if (!found)
      throw new ArmFailure('failed', `the suite ${suite} no longer lists ${caseName} with arm ${arm.name}; its cases must not change`);
    return functionSubject(found, one?.once !== undefined);
  };
}

/** Loads a peer's library into this process; the adapters are loaded only for that. */
async function openPeer({ peer, threads }: Arm): Promise<OpenPeer> {
  const { peerFor } = await import('./peers/catalog.ts');
  const { placeOf } = await import('./peers/install.ts');
  const adapter = peerFor(peer!)!;
  return adapter.open(placeOf(adapter), { threads: threads ?? 1 });
}

const versionsOf = (peer?: OpenPeer): string =>
  Object.entries(peer?.versions() ?? {})
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

/** Smallest step of the device's own clock, where it has one. */
function quantumOf(device?: Device): { timestampQuantumNs?: number } {
  const quantum = device && 'timestampQuantumNs' in device ? device.timestampQuantumNs : undefined;
  return typeof quantum === 'number' ? { timestampQuantumNs: quantum } : {};
}
