import type { Supervisor } from "../agent/supervision.ts";
import { LegionError } from "../lib/errors.ts";
import type { DeadLetter } from "../state/inbox.ts";
import type { Journal, RunRecord } from "../state/journal.ts";
import type { Grave, Lifecycles } from "../state/lifecycles.ts";
import type { Questions } from "../state/questions.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Store } from "../state/store.ts";
import type {
  AgentMessage,
  AgentsPlane,
  ConversationMessage,
  ReplayReport,
  RollbackReport,
} from "./agents-contract.ts";
import type { ApiObject, ObjectPlane } from "./contract.ts";
import { existing } from "./plane-lookup.ts";

/** Messages of a conversation that are read at once. */
const MESSAGES_PAGE = 200;

export interface AgentsPlaneParts {
  readonly plane: ObjectPlane;
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly journal: Journal;
  readonly lifecycles: Lifecycles;
  readonly questions: Pick<Questions, "list" | "read">;
  readonly decide: AgentsPlane["decide"];
  /** Ends a run, of an agent or of one below it, as interrupted; false when it does not run. */
  readonly cancelRun: (run: string) => Promise<boolean>;
  readonly replay: (run: RunRecord) => Promise<ReplayReport>;
  readonly rollback: (run: RunRecord) => Promise<RollbackReport>;
  /** The key of an agent whose loop is there, or LEG6030. */
  readonly agentKey: (key: ResourceKey) => Promise<ResourceKey>;
  /** The object as people see it now. */
  readonly shown: (key: ResourceKey) => Promise<ApiObject>;
}

/** What can be done with agents that run, over the parts of a daemon. */
export function createAgentsPlane(parts: AgentsPlaneParts): AgentsPlane {
  const { questions, decide } = parts;
  return {
    ...loopsPart(parts),
    ...conversationsPart(parts),
    ...runsPart(parts),
    async questions({ state, agent }) {
      const found = await questions.list(state === undefined ? {} : { state });
      return agent === undefined ? found : found.filter((each) => each.agent === agent);
    },
    decide,
    ...gravesPart(parts),
  };
}

type LoopMethod = "ask" | "tell" | "move" | "stopAll" | "scale" | "interrupt";

/** Messages for agents, and the states that they are in. */
function loopsPart({
  plane,
  supervisor,
  agentKey,
  shown,
}: AgentsPlaneParts): Pick<AgentsPlane, LoopMethod | "deadLetters" | "redrive"> {
  return {
    async ask(message, signal) {
      const outcome = await supervisor.ask(
        await agentKey(keyOfMessage(message)),
        incoming(message),
        signal,
      );
      return outcome as unknown as Awaited<ReturnType<AgentsPlane["ask"]>>;
    },
    tell: async (message) =>
      supervisor.tell(await agentKey(keyOfMessage(message)), incoming(message)),
    async move(key, to, why) {
      await supervisor.move(await agentKey(key), to, why);
      return shown(key);
    },
    stopAll: async (why) => ({ stopped: await supervisor.stopAll(why) }),
    async scale(key, replicas, manager) {
      await plane.edit(key, { replicas, manager });
      return shown(key);
    },
    interrupt: async (key, conversation) => ({
      interrupted: await supervisor.interrupt(await agentKey(key), conversation),
    }),
    deadLetters: async (key): Promise<readonly DeadLetter[]> =>
      supervisor.dead(key && (await agentKey(key))),
    redrive: async (key, ids) => ({
      redriven: await supervisor.redrive(await agentKey(key), ids),
    }),
  };
}

function conversationsPart({
  store,
  supervisor,
  journal,
  agentKey,
}: AgentsPlaneParts): Pick<AgentsPlane, "conversations" | "messages" | "endConversation"> {
  const uidOf = async (key: ResourceKey) => (await existing(store, key)).uid;
  return {
    conversations: async (key) => journal.conversations(await uidOf(key)),
    async messages(key, conversation, limit = MESSAGES_PAGE) {
      const known = await journal.conversation(await uidOf(key), conversation, limit);
      if (known === undefined) throw noConversation(key, conversation);
      return known.messages as unknown as readonly ConversationMessage[];
    },
    endConversation: async (key, conversation) => ({
      ended: await supervisor.endConversation(await agentKey(key), conversation),
    }),
  };
}

type RunMethod = "runs" | "runDetail" | "cancelRun" | "resumeRun" | "rollbackRun" | "replayRun";

function runsPart({
  journal,
  supervisor,
  cancelRun,
  rollback,
  replay,
}: AgentsPlaneParts): Pick<AgentsPlane, RunMethod> {
  return {
    runs: (query) => journal.runs(query),
    async runDetail(id) {
      const run = await foundRun(journal, id);
      const [steps, children] = await Promise.all([
        run.status === "quarantined" ? [] : journal.steps(run.run),
        journal.runs({ parent: run.run }),
      ]);
      return { run, steps, children };
    },
    cancelRun: async (id) => ({
      cancelled: await cancelRun((await foundRun(journal, id)).run),
    }),
    async resumeRun(id) {
      const { run, message } = await foundRun(journal, id);
      return supervisor.resumeRun(run, message);
    },
    rollbackRun: async (id) => rollback(await foundRun(journal, id)),
    replayRun: async (id) => replay(await foundRun(journal, id)),
  };
}

function gravesPart({
  plane,
  store,
  lifecycles,
  shown,
}: AgentsPlaneParts): Pick<AgentsPlane, "graves" | "restore"> {
  return {
    graves: () => lifecycles.graves(),
    async restore(name, manager) {
      const grave = foundGrave(await lifecycles.graves(), name);
      const key = { kind: "Agent", namespace: grave.namespace, name: grave.name };
      if ((await store.read(key)) !== undefined) throw graveOccupied(grave);
      const { labels, annotations, spec } = grave.object;
      const object = { ...key, labels, annotations, spec: spec as ApiObject["spec"] };
      await plane.apply({ objects: [object], source: "graveyard", manager, digest: "" });
      const { uid } = await existing(store, key);
      await lifecycles.exhume(grave.uid, uid);
      return shown(key);
    },
  };
}

function keyOfMessage({ namespace, name }: AgentMessage): ResourceKey {
  return { kind: "Agent", namespace, name };
}

function incoming({ namespace: _, name: __, ...message }: AgentMessage) {
  return message;
}

/** The run of an id, or of the only one that begins or ends so among the newest. */
async function foundRun(journal: Journal, id: string): Promise<RunRecord> {
  const exact = await journal.run(id);
  if (exact !== undefined) return exact;
  const text = id.toUpperCase();
  const newest = await journal.runs({ limit: 1_000 });
  const near = newest.filter(({ run }) => run.startsWith(text) || run.endsWith(text));
  const [only] = near;
  if (only !== undefined && near.length === 1 && text.length >= 4) return only;
  throw new LegionError({
    code: "LEG6060",
    message:
      near.length > 1 ? `"${id}" may be ${near.length} runs` : `there is no run "${id}" on record`,
    hint: "legion runs list shows the newest ones with their ids",
  });
}

function foundGrave(graves: readonly Grave[], name: string): Grave {
  const grave = graves.find(
    (each) => each.uid === name || name === each.name || name === `${each.namespace}/${each.name}`,
  );
  if (grave !== undefined) return grave;
  throw new LegionError({
    code: "LEG6075",
    message: `there is no grave of "${name}"`,
    hint: "legion graveyard list shows what was buried",
    valid: graves.slice(0, 20).map((each) => `${each.namespace}/${each.name}`),
  });
}

function graveOccupied({ namespace, name }: Grave): LegionError {
  return new LegionError({
    code: "LEG6076",
    message: `an agent "${name}" lives in namespace ${namespace} again`,
    hint: `delete it first, with legion delete agent/${name} -n ${namespace}, then restore`,
  });
}

function noConversation({ name }: ResourceKey, conversation: string): LegionError {
  return new LegionError({
    code: "LEG2075",
    message: `the agent "${name}" has no conversation "${conversation}"`,
    hint: `legion conversations list agent/${name} shows those that it has`,
  });
}
