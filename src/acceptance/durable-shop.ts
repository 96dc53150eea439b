import { readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json } from "../lib/json.ts";
import type { Files } from "../testing/daemon.ts";
import { onceEnding } from "../testing/daemon-process.ts";

/** What a seed varies: where the code runs, and in which order calls that are made at the same time end. */
export interface Variation {
  readonly isolation: "shared" | "worker" | "process";
  /** Milliseconds that a function takes before it does what it does. */
  readonly delays: Readonly<Record<string, number>>;
}

/** One line of the file outside of the state folder: something that a tool has done to the world. */
export interface Effect {
  readonly run: string;
  readonly key: string;
  /** `shop.charge` */
  readonly name: string;
  readonly args: Json;
}

/** A folder with a repository, and the file that its tools change beside it. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly effectFile: string;
  effects(): readonly Effect[];
}

/** A new one; whoever makes it disposes of it, which removes it. */
export async function createPlace(): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), "legion-shop-"));
  const how = { recursive: true, force: true, maxRetries: 3 };
  const unhook = onceEnding(() => rmSync(base, how));
  const effectFile = join(base, "effects.jsonl");
  return {
    folder: join(base, "repository"),
    effectFile,
    effects: () => effectsIn(effectFile),
    async [Symbol.asyncDispose]() {
      unhook();
      await rm(base, how);
    },
  };
}

/** Whole lines only: a process may be writing the next one. */
function effectsIn(file: string): readonly Effect[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** One object as a manifest. */
export function manifestOf(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec }, null, 2);
}

/** Each function adds a line to the file that its config names; `reserve` and `refund` look for their key first, as a service does that knows idempotency keys. */
const module = `import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
const lines = (file) => {
  try { return readFileSync(file, "utf8").split("\\n").slice(0, -1).map((line) => JSON.parse(line)); }
  catch (error) { if (error.code === "ENOENT") return []; throw error; }
};
async function act(name, args, { config, run, idempotencyKey: key }) {
  await setTimeout(config.delays?.[name] ?? 0);
  appendFileSync(config.file, JSON.stringify({ run, key, name: "shop." + name, args }) + "\\n");
}
async function once(name, args, context) {
  const { config, idempotencyKey } = context;
  if (!lines(config.file).some(({ key }) => key === idempotencyKey)) await act(name, args, context);
}
export async function reserve(args, context) { await once("reserve", args, context); return { reserved: args.item }; }
export async function refund(args, context) { await once("refund", args, context); return null; }
export async function register(args, context) { await act("register", args, context); return "registered"; }
export async function charge(args, context) { await act("charge", args, context); return "charged"; }
export async function note(args, context) { await act("note", args, context); return "noted"; }
`;

const anything = { type: "object", additionalProperties: true };
const described = (more: object = {}) => ({
  description: "Does it.",
  parameters: anything,
  ...more,
});

/** The tool `shop`: one function may be made again, one can be undone, one neither. */
export function shopFiles(effectFile: string, delays: Variation["delays"] = {}): Files {
  const spec = {
    type: "module",
    description: "A shop.",
    module: "code/shop.js",
    config: { file: effectFile, delays },
    functions: {
      reserve: described({ idempotent: true }),
      charge: described({ revert: "refund" }),
      refund: described(),
      register: described({ idempotent: true }),
      note: described(),
    },
  };
  return {
    "agents.d/code/shop.js": module,
    "agents.d/shop.yaml": manifestOf("Tool", "shop", spec),
    "agents.d/human.yaml": manifestOf("Tool", "human", { type: "builtin", builtin: "human" }),
  };
}

export type Reply = Readonly<Record<string, unknown>>;

/** One step of code. */
export function evaluate(code: string, action = "eval_and_continue"): Reply {
  return { action, code };
}

/** The steps of the agent `buyer`. A call that people do not let be made again was made: the code goes on as if it had answered. */
const buying = [
  'const order = await tools.shop.reserve({ item: "lamp" }); order.reserved',
  `const token = (Math.random() + Date.now()).toFixed(4).padStart(24);
   const sure = (call, value) => call.catch((error) => { if (!/nobody knows/.test(error.message)) throw error; return value; });
   const done = await Promise.all([
     sure(tools.shop.charge({ amount: 5, token }), "charged"),
     sure(tools.shop.note({ text: "sold", token }), "noted"),
   ]); done`,
  'const review = await agents.call("reviewer", "Review the order."); review',
  'const answer = await tools.human.ask({ question: "Ship it?", choices: ["yes", "no"] }); answer',
  '[order.reserved, ...done, review, answer].join(", ")',
  "({ order: order.reserved, done, review, answer, token })",
].map((code, index, all) =>
  evaluate(code, index === all.length - 1 ? "eval_and_complete" : "eval_and_continue"),
);

const reviewing = [
  evaluate('const said = await tools.shop.note({ text: "reviewed" }).catch(() => "noted"); said'),
  { action: "return", result: "it is good" },
];

/** An agent with a provider of its own that says so. */
export function agentFiles(name: string, replies: readonly Reply[], spec: object = {}): Files {
  const agent = {
    description: `Is ${name}.`,
    model: `${name}-model/it`,
    outputSchema: {},
    ...spec,
  };
  return {
    [`agents.d/${name}-model.yaml`]: manifestOf("Provider", `${name}-model`, {
      ...{ wire: "scripted", replies },
    }),
    [`agents.d/${name}.yaml`]: manifestOf("Agent", name, agent),
  };
}

/** The repository of the run that is killed everywhere: six steps, three functions, an agent below and a question. */
export function buyerFiles(effectFile: string, { isolation, delays }: Variation): Files {
  const sandbox = { isolation };
  const tools = ["shop", "human"];
  return {
    ...shopFiles(effectFile, delays),
    ...agentFiles("buyer", buying, { tools, agents: ["reviewer"], sandbox }),
    ...agentFiles("reviewer", reviewing, { tools: ["shop"], sandbox }),
  };
}
