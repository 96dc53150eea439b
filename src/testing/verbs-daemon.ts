import { type Printed, runOnStreams, type StreamOptions } from "./command-streams.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";
import { startModelServer } from "./model-server.ts";

/** A daemon with agents whose model does what the last message says, and the command line against it. */
export interface VerbsDaemon extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly run: (words: readonly string[], options?: Partial<StreamOptions>) => Promise<Printed>;
  /** Resolves when the model is asked something that it never answers: the message has the word hang. Called before that. */
  readonly hung: () => Promise<void>;
  /** What was printed, as JSON. Throws for another exit code than 0. */
  readonly json: <T>(words: readonly string[]) => Promise<T>;
}

const ASK = 'await tools.human.ask({question: "Which colour?", choices: ["red", "blue"]})';
const SHOP_SET = 'await tools.kv.set({key: "a", value: "plan"})';

const document = (kind: string, name: string, spec: object) =>
  `${JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec })}\n---\n`;

/** Agents ada, who asks and needs approvals; poor, whose messages are given up at once; bob, who has two replicas; and gone, in a file of its own. */
export async function startVerbsDaemon(): Promise<VerbsDaemon> {
  const stack = new AsyncDisposableStack();
  let onHang = () => {};
  const model = stack.use(
    await startModelServer(({ body }) => {
      const messages = body.messages as readonly { role: string; content: string }[];
      const last = messages.at(-1)?.content ?? "";
      if (last.includes("executed successfully"))
        return { action: "return", result: `got ${last.split("\n")[2]}` };
      if (last.includes("execution failed")) return { action: "return", result: last };
      if (last.includes("colour")) return { action: "eval_and_continue", code: ASK };
      if (last.includes("shop")) return { action: "eval_and_continue", code: SHOP_SET };
      if (last.includes("hang")) {
        onHang();
        return { fault: { kind: "silence" } };
      }
      return { action: "return", result: `you said ${last}` };
    }),
  );
  const tools = { tools: ["kv", "human"] };
  const files = {
    "agents.d/all.yaml": [
      document("Provider", "local", { wire: "openai-chat", baseUrl: model.url }),
      // Nobody listens there.
      document("Provider", "broken", { wire: "openai-chat", baseUrl: "http://127.0.0.1:9/v1" }),
      document("Router", "default", { tiers: [{ name: "only", targets: ["local/m"] }] }),
      document("Tool", "kv", { type: "builtin", builtin: "kv" }),
      document("Tool", "human", { type: "builtin", builtin: "human" }),
      document("Agent", "ada", { description: "Helps.", ...tools, approvals: ["kv.set"] }),
      document("Agent", "poor", {
        ...{ description: "Fails.", model: "broken/m" },
        inbox: { maxDeliveries: 1, redeliveryDelay: "1s" },
      }),
      document("Agent", "bob", { description: "Helps.", replicas: 2 }),
    ].join(""),
    "agents.d/gone.yaml": document("Agent", "gone", { description: "Goes." }),
  };
  const daemon = stack.use(await startTestDaemon({ files }));
  const run: VerbsDaemon["run"] = (words, options = {}) =>
    runOnStreams(words, { cwd: daemon.folder, ...options });
  return {
    daemon,
    run,
    hung() {
      const { promise, resolve } = Promise.withResolvers<void>();
      onHang = resolve;
      return promise;
    },
    async json<T>(words: readonly string[]) {
      const { exitCode, stdout, stderr } = await run([...words, "-o", "json"]);
      if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
