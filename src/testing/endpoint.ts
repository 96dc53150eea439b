import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP endpoint on 127.0.0.1 whose answers a test decides, one request after the other. */
export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  /** The statuses that were answered, oldest first. */
  readonly answered: readonly number[];
  /** What every request gets from now on, also those that are held. */
  become(status: number): void;
  /** The next so many requests get these, also those that are held; then it goes on as it is. */
  next(...statuses: readonly number[]): void;
  /** Requests without a planned answer wait from now on; resolves when one waits. */
  hold(): Promise<void>;
  /** Resolves when so many requests have been answered in all. */
  untilAnswered(count: number): Promise<void>;
}

/** Starts one on a free port; it answers 200 until it is told otherwise. */
export async function startEndpoint(): Promise<Endpoint> {
  const answered: number[] = [];
  const planned: number[] = [];
  const held = new Set<ServerResponse>();
  let status = 200;
  let holding: PromiseWithResolvers<void> | undefined;
  let waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  function answer(response: ServerResponse): void {
    const given = planned.shift() ?? status;
    response.writeHead(given, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: given }));
    answered.push(given);
    for (const { count, resolve } of waiters) if (answered.length >= count) resolve();
    waiters = waiters.filter(({ count }) => answered.length < count);
  }
  const server = createServer((_, response) => {
    response.on("close", () => held.delete(response));
    if (holding === undefined || planned.length > 0) return answer(response);
    held.add(response);
    holding.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/health`,
    answered,
    become(next) {
      status = next;
      holding = undefined;
      for (const response of held) answer(response);
      held.clear();
    },
    next(...statuses) {
      planned.push(...statuses);
      for (const response of held) {
        if (planned.length === 0) break;
        held.delete(response);
        answer(response);
      }
    },
    hold() {
      holding = Promise.withResolvers();
      if (held.size > 0) holding.resolve();
      return holding.promise;
    },
    untilAnswered: (count) =>
      new Promise<void>((resolve) => {
        if (answered.length >= count) resolve();
        else waiters.push({ count, resolve });
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
