import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { requireDaemon } from "../api/client.ts";
import { serveTestPlane } from "../testing/api-server.ts";
import type { Benchmark } from "./benchmark.ts";

const REQUESTS = 1_000;
const WARM_UP = 100;
const BAR = 4;

/** What a request to the daemon costs, beside a bare server that answers with the same JSON. */
export const benchmark: Benchmark = {
  name: "api",
  async run() {
    await using served = await serveTestPlane();
    const client = await requireDaemon({ stateFolder: served.folder });
    const text = JSON.stringify(await client.status());
    const bare = createServer((_, response) => response.end(text));
    await new Promise<void>((resolve) => bare.listen(0, "127.0.0.1", resolve));
    const { port } = bare.address() as AddressInfo;
    await timed(() => bareGet(port), WARM_UP);
    await timed(() => client.status(), WARM_UP);
    const bareMs = await timed(() => bareGet(port), REQUESTS);
    const statusMs = await timed(() => client.status(), REQUESTS);
    bare.close();
    return [
      {
        name: "GET /v1/status, client and server, one after the other",
        value: statusMs / bareMs,
        unit: "x",
        beside: `${statusMs.toFixed(2)} ms a request; bare node:http, a connection each, ${bareMs.toFixed(2)} ms`,
        bar: BAR,
        want: "<=",
      },
    ];
  },
};

async function timed(call: () => Promise<unknown>, times: number): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < times; i++) await call();
  return (performance.now() - began) / times;
}

function bareGet(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, agent: false }, (response) =>
      Array.fromAsync(response).then((chunks) =>
        resolve(JSON.parse(Buffer.concat(chunks).toString())),
      ),
    );
    sent.on("error", reject).end();
  });
}
