/** Replays samples through the machine of a trigger, and says where what came is not what was expected. It is pure. */
import type { DueAction } from "../trigger/actions.ts";
import type { Machine, Outcome } from "../trigger/machine.ts";
import type { FireKind } from "../trigger/machine-state.ts";
import type { Sample } from "../trigger/samples.ts";

/** One poll of a replay. */
export interface ReplayPoll {
  /** Since the start of the replay. */
  readonly offsetMs: number;
  readonly sample: Sample;
  /** The other watchers that fire meanwhile, for `unless firing`. */
  readonly firing?: readonly string[];
}

/** What a poll did. */
export interface Replayed {
  readonly offsetMs: number;
  readonly outcome: Outcome;
  /** What is told as it recovered: only where firing ended after a fire that was told. */
  readonly recovery?: readonly DueAction[];
}

/** What is expected of the poll at one moment; what is not named may be as it likes. */
export interface Expectation {
  readonly offsetMs: number;
  /** The kind of the fire; true takes any, false none. */
  readonly fire?: FireKind | boolean;
  /** The text that the agent is woken with, by the fire or the recovery; true takes any. */
  readonly wake?: string | boolean;
  /** All actions of the fire or the recovery, as `actionText` writes them. */
  readonly actions?: readonly string[];
  readonly recovered?: boolean;
  readonly state?: string;
  readonly value?: boolean | string;
  /** The gate that held a fire back. */
  readonly suppressed?: string;
  /** A part of what is wrong with the data. */
  readonly error?: string;
}

/** Something that was expected and did not come, or came and was not expected. */
export interface Difference {
  readonly offsetMs: number;
  readonly expected: string;
  readonly actual: string;
  /** The expectation that was not met; undefined for what nobody expected. */
  readonly index?: number;
}

/** Runs the polls through a machine that has seen none. */
export function replay(
  machine: Machine,
  polls: readonly ReplayPoll[],
  startMs: number,
): readonly Replayed[] {
  let isTold = false;
  return polls.map(({ offsetMs, sample, firing = [] }) => {
    const outcome = machine.poll(sample, startMs + offsetMs, (name) => firing.includes(name));
    const recovery = outcome.turned === "ended" && isTold ? machine.recover() : [];
    if (outcome.turned === "ended") isTold = false;
    // What is silent tells nobody anything.
    if (outcome.fire?.actions.some(({ kind }) => kind !== "silent") === true) isTold = true;
    return { offsetMs, outcome, ...(recovery.length > 0 && { recovery }) };
  });
}

/** An action as people write it: `wake "checkout is down"`, `message:ops "see {a}"`. */
export function actionText({ kind, name, text, argument }: DueAction): string {
  const head = name === undefined ? kind : `${kind}:${name}`;
  const said = text === undefined ? "" : ` ${JSON.stringify(text)}`;
  return `${head}${said}${argument === undefined ? "" : ` ${JSON.stringify(argument)}`}`;
}

interface Aspect {
  readonly expected: string;
  readonly actual: string;
  readonly isMet: boolean;
}

/** What each field of an expectation asks of a poll. A text that is asked for is shown as it is written. */
const aspects: {
  readonly [K in Exclude<keyof Expectation, "offsetMs">]-?: (
    wanted: NonNullable<Expectation[K]>,
    replayed: Replayed,
  ) => Aspect;
} = {
  fire: (wanted, { outcome: { fire, suppressed, state } }) => ({
    expected: wanted === false ? "no fire" : wanted === true ? "a fire" : `fire ${wanted}`,
    actual:
      fire !== undefined
        ? `fire ${fire.kind}`
        : `no fire (${suppressed === undefined ? `state ${state}` : `held back by ${suppressed.gate}`})`,
    isMet: typeof wanted === "boolean" ? wanted === (fire !== undefined) : fire?.kind === wanted,
  }),
  recovered: (wanted, { recovery }) => ({
    expected: wanted ? "recovered" : "not recovered",
    actual: recovery === undefined ? "not recovered" : "recovered",
    isMet: wanted === (recovery !== undefined),
  }),
  wake: (wanted, replayed) => {
    const wakes = actionsOf(replayed).filter(({ kind }) => kind === "wake");
    const isMet =
      typeof wanted === "boolean"
        ? wanted === wakes.length > 0
        : wakes.some(({ text }) => text === wanted);
    const named = wanted === true ? "a wake" : "no wake";
    return {
      expected: typeof wanted === "string" ? actionText({ kind: "wake", text: wanted }) : named,
      actual: wakes.length === 0 ? "no wake" : wakes.map(actionText).join(", "),
      isMet,
    };
  },
  actions: (wanted, replayed) => {
    const texts = actionsOf(replayed).map(actionText);
    const isMet = wanted.length === texts.length && wanted.every((text, at) => text === texts[at]);
    return { expected: listed(wanted), actual: listed(texts), isMet };
  },
  state: (wanted, { outcome }) => same("state", wanted, outcome.state),
  value: (wanted, { outcome }) => same("value", wanted, outcome.value),
  suppressed: (wanted, { outcome: { suppressed } }) => ({
    expected: `a fire held back by ${wanted}`,
    actual: suppressed === undefined ? "none held back" : `a fire held back by ${suppressed.gate}`,
    isMet: suppressed?.gate === wanted,
  }),
  error: (wanted, { outcome: { error } }) => ({
    expected: `an error with ${JSON.stringify(wanted)}`,
    actual: error === undefined ? "no error" : `the error ${JSON.stringify(error)}`,
    isMet: error?.includes(wanted) === true,
  }),
};

function same(noun: string, wanted: boolean | string, actual: boolean | string): Aspect {
  return {
    expected: `${noun} ${wanted}`,
    actual: `${noun} ${actual}`,
    isMet: String(wanted) === String(actual),
  };
}

function actionsOf({ outcome, recovery }: Replayed): readonly DueAction[] {
  return outcome.fire?.actions ?? recovery ?? [];
}

function listed(actions: readonly string[]): string {
  return actions.length === 0 ? "no action" : actions.join(", ");
}

/** Where a replay is not as expected, in the order of time. Fires and recoveries that nobody expected are differences too. */
export function differences(
  replayed: readonly Replayed[],
  expected: readonly Expectation[],
): readonly Difference[] {
  const unmet = expected.flatMap((expectation, index) => {
    const { offsetMs } = expectation;
    const poll = replayed.find((each) => each.offsetMs === offsetMs);
    if (poll === undefined)
      return [{ offsetMs, index, expected: "a poll", actual: "no poll at that moment" }];
    const wrong = aspectsOf(expectation, poll).filter(({ isMet }) => !isMet);
    if (wrong.length === 0) return [];
    return [
      {
        ...{ offsetMs, index },
        expected: wrong.map((aspect) => aspect.expected).join(", "),
        actual: wrong.map((aspect) => aspect.actual).join(", "),
      },
    ];
  });
  const surprises = replayed.flatMap((poll) => {
    const { offsetMs, outcome, recovery } = poll;
    const here = expected.filter((each) => each.offsetMs === offsetMs);
    const what = outcome.fire !== undefined ? `fire ${outcome.fire.kind}` : "recovered";
    if (outcome.fire === undefined && recovery === undefined) return [];
    if (here.some((each) => isAboutActing(each, outcome.fire !== undefined))) return [];
    const actual = `${what}, ${listed(actionsOf(poll).map(actionText))}`;
    return [{ offsetMs, expected: "nothing", actual }];
  });
  return [...unmet, ...surprises].toSorted((a, b) => a.offsetMs - b.offsetMs);
}

function aspectsOf(expectation: Expectation, poll: Replayed): readonly Aspect[] {
  const { fire, recovered, wake, actions, state, value, suppressed, error } = expectation;
  return [
    fire !== undefined && aspects.fire(fire, poll),
    recovered !== undefined && aspects.recovered(recovered, poll),
    wake !== undefined && aspects.wake(wake, poll),
    actions !== undefined && aspects.actions(actions, poll),
    state !== undefined && aspects.state(state, poll),
    value !== undefined && aspects.value(value, poll),
    suppressed !== undefined && aspects.suppressed(suppressed, poll),
    error !== undefined && aspects.error(error, poll),
  ].filter((aspect) => aspect !== false);
}

/** Whether an expectation speaks of the fire, or of the recovery, of its poll: then it says itself what is wrong. */
function isAboutActing(expectation: Expectation, isFire: boolean): boolean {
  const { fire, recovered, wake, actions } = expectation;
  const own = isFire ? fire : recovered;
  return own !== undefined || wake !== undefined || actions !== undefined;
}
