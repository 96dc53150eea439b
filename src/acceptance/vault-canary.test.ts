// Goal: what a message brings for tools only is in nothing that outlives or leaves the tools: no file of the state folder, no output, no request to a model, however a tool writes it (S25).
// Method: a real daemon; a module tool returns, throws and hands on the values of the vault in every form, in code and natively, with an agent below; then all bytes are searched for all forms.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openDatabase } from "../state/database.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import {
  type ModelServer,
  type RecordedRequest,
  startModelServer,
} from "../testing/model-server.ts";

const secret = 'cänary"q/+ 7f3a9\nend';
const pin = 918273645;
const card = "4111222233334444";
const vault = { user: { token: secret, pin, cards: [card] } };

const formsOf = (text: string) => [
  text,
  JSON.stringify(text).slice(1, -1),
  JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  encodeURIComponent(text),
  Buffer.from(text).toString("base64").replace(/=+$/, ""),
  Buffer.from(text).toString("base64url"),
  Buffer.from(`user:${text}`).toString("base64").slice(8, -4),
  Buffer.from(text).toString("hex"),
  Buffer.from(text).toString("hex").toUpperCase(),
];
const forms = [secret, String(pin), card].flatMap(formsOf);

const module = `
const formsOf = (text) => ({
  plain: text, json: JSON.stringify(text), nested: JSON.stringify({ a: JSON.stringify(text) }), url: encodeURIComponent(text),
  base64: Buffer.from(text).toString("base64"), base64url: Buffer.from(text).toString("base64url"),
  pair: Buffer.from("user:" + text).toString("base64"),
  hex: Buffer.from(text).toString("hex"), upper: Buffer.from(text).toString("hex").toUpperCase(),
});
const all = ({ user }) => [user.token, String(user.pin), user.cards[0]].map(formsOf);
export async function give(args, { vault }) { return { all: all(vault), raw: vault, ["key " + vault.user.token]: 1 }; }
export async function fail(args, { vault }) { throw new Error("no: " + JSON.stringify(all(vault))); }
export async function half(args, { vault }) { return args.end ? vault.user.token.slice(10) : vault.user.token.slice(0, 10); }
export async function check(args, { vault }) {
  return vault.user?.token === ${JSON.stringify(secret)} && vault.user.pin === ${pin} ? "right" : "wrong";
}
`;

const anything = { type: "object", additionalProperties: true };
const functions = Object.fromEntries(
  ["give", "fail", "half", "check"].map((name) => [
    name,
    { description: "Does it.", parameters: anything },
  ]),
);

const document = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: "legion.dev/v1", kind, metadata: { name }, spec });

function files({ url }: ModelServer) {
  const agent = (name: string, more: object) =>
    document("Agent", name, {
      ...{
        description: "Works.",
        model: `local/${name}`,
        outputSchema: {},
        tools: ["safe", "look"],
      },
      ...more,
    });
  return {
    "agents.d/code/safe.js": module,
    "agents.d/all.yaml": [
      document("Provider", "local", { wire: "openai-chat", baseUrl: url }),
      document("Tool", "safe", {
        type: "module",
        description: "A safe.",
        module: "code/safe.js",
        functions,
      }),
      document("Tool", "look", {
        ...{
          type: "js",
          description: "Looks.",
          functions: { around: { description: "Looks.", parameters: anything } },
        },
        source:
          "function around(args, context) { return JSON.stringify([context, Object.keys(globalThis)]); }",
      }),
      agent("boss", { agents: ["clerk"], bindingScope: "conversation" }),
      agent("clerk", {}),
      agent("native", { mode: "tools" }),
    ].join("\n---\n"),
  };
}

const code = (
  text: string,
  action: "eval_and_continue" | "eval_and_complete" = "eval_and_continue",
): ModelReply => ({ action, code: text });
const boss = [
  code("const got = await tools.safe.give({}); console.log(JSON.stringify(got)); got"),
  code(
    "let said; try { await tools.safe.fail({}) } catch (error) { said = String(error); } console.log(said); said",
  ),
  code("const whole = (await tools.safe.half({})) + (await tools.safe.half({ end: true })); whole"),
  code('throw new Error("in code: " + JSON.stringify(got) + whole)'),
  code('const below = await agents.call("clerk", "Check " + JSON.stringify(got) + whole); below'),
  code("const seen = await tools.look.around({}); seen"),
  code(
    "({ got, said, whole, below, seen, right: await tools.safe.check({}) })",
    "eval_and_complete",
  ),
];
const clerk = [
  code("const got = await tools.safe.give({}); got"),
  code("({ right: await tools.safe.check({}), got })", "eval_and_complete"),
];
const native = [
  {
    toolCalls: [
      { name: "give", arguments: {} },
      { name: "fail", arguments: {} },
    ],
  },
  { text: "done" },
];

function script({ body }: RecordedRequest): ModelReply {
  const messages = body.messages as readonly { readonly role: string }[];
  const asked = messages.filter(({ role }) => role === "assistant").length;
  const lists = { boss, clerk, native } as unknown as Record<string, readonly ModelReply[]>;
  return lists[String(body.model)]?.[asked] ?? { error: { status: 500, message: "no more" } };
}

/** All files of a folder but the key of the vaults. */
async function bytesOf(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = found
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(name)] as const)),
  );
}

async function toldBy({ plane }: TestDaemon): Promise<string> {
  const runs = await plane.runs({});
  const parts: unknown[] = [
    runs,
    ...(await Promise.all(runs.map(({ run }) => plane.runDetail(run)))),
    await Array.fromAsync(plane.events({}, new AbortController().signal)),
    await plane.status(),
  ];
  for (const name of ["boss", "native"]) {
    const key = agentKey(name);
    for (const conversation of await plane.conversations(key))
      parts.push(await plane.messages(key, conversation.name), conversation);
    parts.push(await plane.read(key));
  }
  return JSON.stringify(parts);
}

suite("the vault of a message", () => {
  test("S25: is in no file, output, answer and request, in whatever form a tool gives it", async () => {
    await using model = await startModelServer(script);
    await using daemon = await startTestDaemon({ files: files(model) });
    const ask = (name: string) => {
      return daemon
        .untilReady(agentKey(name))
        .then(() =>
          daemon.plane.ask(
            { namespace: "default", name, task: "Go.", vault },
            AbortSignal.timeout(60_000),
          ),
        );
    };
    const asked = await ask("boss");
    const { value } = asked.result as unknown as {
      value: { right: string; below: { right: string } };
    };
    assert.ok(value, JSON.stringify(asked.result));
    assert.deepEqual([value.right, value.below.right], ["right", "right"], "the tools did get it");
    const natively = await ask("native");
    const [, , gave] = await daemon.plane.messages(agentKey("native"), "main");
    assert.match(gave?.text ?? "", /"plain":"\[redacted\]"/, "it did give it");
    const told = [JSON.stringify([asked, natively]), await toldBy(daemon), daemon.stderr()];
    const running = await bytesOf(join(daemon.folder, ".legion"));
    daemon.kill("SIGTERM");
    await daemon.exit;
    const database = await openDatabase(join(daemon.folder, ".legion"));
    assert.deepEqual(
      database.query("SELECT run FROM vaults"),
      [],
      "it is kept no longer than its run",
    );
    database.close();
    const texts = new Map<string, string | Buffer>([
      ...told.map((text, index) => [["answers", "API", "stderr"][index] ?? "", text] as const),
      ["requests", JSON.stringify(model.requests)],
      ...running,
      ...(await bytesOf(join(daemon.folder, ".legion"))),
    ]);
    const found = [...texts].flatMap(([name, text]) =>
      forms.filter((form) => text.includes(form)).map((form) => `${name}: ${form}`),
    );
    assert.deepEqual(found, []);
  });
});
