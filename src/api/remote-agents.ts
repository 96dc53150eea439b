import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import type { ResourceKey } from "../state/resource.ts";

/** How the plane of a daemon speaks over HTTP. */
export interface Remote {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  remove(path: string): Promise<unknown>;
  /** For what may take long. */
  result(path: string, body: unknown, signal?: AbortSignal): Promise<unknown>;
  queryText(query: object): string;
}

/** The half of a daemon's plane that is about agents, over HTTP. */
export function remoteAgents({ get, post, remove, result, queryText }: Remote) {
  return {
    ask: ({ namespace, name, ...message }, signal) =>
      result(`${agentPath({ namespace, name })}/messages`, { ...message, wait: true }, signal),
    tell: ({ namespace, name, ...message }) =>
      post(`${agentPath({ namespace, name })}/messages`, message),
    move: (key, to, why) => post(`${agentPath(key)}/move`, { to, ...why }),
    stopAll: (why) => post("/v1/stop-all", why),
    scale: (key, replicas, manager) => post(`${agentPath(key)}/scale`, { replicas, manager }),
    interrupt: (key, conversation) => post(`${agentPath(key)}/interrupt`, { conversation }),
    conversations: (key) => get(`${agentPath(key)}/conversations`),
    messages: (key, conversation, limit) =>
      get(`${conversationPath(key, conversation)}/messages${queryText({ limit })}`),
    endConversation: (key, conversation) => remove(conversationPath(key, conversation)),
    deadLetters: (key) =>
      get(
        `/v1/dead-letters${queryText(key === undefined ? {} : { namespace: key.namespace, name: key.name })}`,
      ),
    redrive: (key, ids) => post(`${agentPath(key)}/redrive`, { ids }),
    runs: (query) => get(`/v1/runs${queryText(query)}`),
    runDetail: (run) => get(runPath(run)),
    cancelRun: (run) => post(`${runPath(run)}/cancel`, {}),
    resumeRun: (run) => post(`${runPath(run)}/resume`, {}),
    rollbackRun: (run) => result(`${runPath(run)}/rollback`, {}),
    replayRun: (run) => result(`${runPath(run)}/replay`, {}),
    questions: (query) => get(`/v1/questions${queryText(query)}`),
    decide: (id, decision) => post(`/v1/questions/${encodeURIComponent(id)}/decision`, decision),
    graves: () => get("/v1/graves"),
    restore: (grave, manager) => post("/v1/graves/restore", { grave, manager }),
  } satisfies {
    readonly [M in keyof AgentsPlane]: (...args: Parameters<AgentsPlane[M]>) => unknown;
  };
}

function agentPath({ namespace, name }: Pick<ResourceKey, "namespace" | "name">): string {
  return `/v1/agents/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

function conversationPath(key: ResourceKey, conversation: string): string {
  return `${agentPath(key)}/conversations/${encodeURIComponent(conversation)}`;
}

function runPath(run: string): string {
  return `/v1/runs/${encodeURIComponent(run)}`;
}
