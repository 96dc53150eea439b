import type { WatchPlane } from "../reconcile/watch-contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Remote } from "./remote-agents.ts";

/** The half of a daemon's plane that is about watchers and crons, over HTTP. */
export function remoteWatching({ get, post, remove, queryText }: Omit<Remote, "result">) {
  return {
    explainTrigger: (key) => get(`${pathOf("watchers", key)}/trigger`),
    silences: () => get("/v1/silences"),
    silence: ({ watcher: { namespace, name }, until, reason, by }) =>
      post("/v1/silences", { watcher: { kind: "Watcher", namespace, name }, until, reason, by }),
    unsilence: async ({ id, watcher }) => {
      if (id !== undefined) return remove(`/v1/silences/${encodeURIComponent(id)}`);
      return watcher === undefined
        ? { removed: false }
        : remove(`${pathOf("watchers", watcher)}/silence`);
    },
    cronTicks: (key, limit) => get(`${pathOf("crons", key)}/ticks${queryText({ limit })}`),
    triggerCron: (key) => post(`${pathOf("crons", key)}/trigger`, {}),
    resumeCron: (key) => post(`${pathOf("crons", key)}/resume`, {}),
  } satisfies {
    readonly [M in keyof WatchPlane]: (...args: Parameters<WatchPlane[M]>) => unknown;
  };
}

function pathOf(kind: "watchers" | "crons", { namespace, name }: ResourceKey): string {
  return `/v1/${kind}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}
