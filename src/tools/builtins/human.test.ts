// Goal: human.ask hands a question to whoever asks people, whole, and is refused where its answer would be lost or nobody is there.
// Method: toolboxes over the real loader with a recording in place of people; then real people over a database.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "../../lib/json.ts";
import { testPeople } from "../../testing/people.ts";
import { type Workplace, workplace } from "../../testing/toolbox.ts";
import type { PeopleRequest } from "../contract.ts";

const HOUR_MS = 3_600_000;

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

/** A toolbox whose questions are recorded and answered with "yes". */
async function recording(config?: JsonObject, use?: JsonObject) {
  const asked: PeopleRequest[] = [];
  const box = await place.create({
    tools: { human: { type: "builtin", builtin: "human", ...(config && { config }) } },
    ...(use && { uses: [{ name: "human", config: use }] }),
    askPeople: async (request) => {
      asked.push(request);
      return "yes";
    },
  });
  return { box, asked };
}

test("a question goes to people with everything that it says, under the key of its call", async () => {
  const { box, asked } = await recording();
  const args = { question: "Which one?", choices: ["yes", "no"], schema: { type: "string" } };
  const caller = { agent: "clerk", run: "run-1", idempotencyKey: "run-1/2.1" };
  const reply = await box.call("human.ask", { ...args, timeout: "90s" }, caller);
  assert.deepEqual(reply, { ok: true, value: "yes" });
  const [{ signal, ...request } = assert.fail(), ...others] = asked;
  assert.ok(signal instanceof AbortSignal);
  assert.deepEqual(request, {
    ...args,
    timeoutMs: 90_000,
    agent: "clerk",
    run: "run-1",
    key: "run-1/2.1",
    config: {},
  });
  assert.equal(others.length, 0);
});

const timeouts = [
  { name: "a day by default", want: 24 * HOUR_MS },
  { name: "that of the Tool", config: "2h", want: 2 * HOUR_MS },
  { name: "a shorter one of the agent", config: "2h", use: "1h", want: HOUR_MS },
  { name: "a shorter one of the call", config: "2h", call: "5m", want: 300_000 },
  { name: "no longer than the Tool says", config: "2h", call: "3h", want: 2 * HOUR_MS },
  { name: "never none", call: "0s", want: 1 },
];

describe("how long it waits", () => {
  for (const { name, config, use, call, want } of timeouts) {
    test(name, async () => {
      const { box, asked } = await recording(
        config === undefined ? undefined : { timeout: config },
        use === undefined ? undefined : { timeout: use },
      );
      await box.value("human.ask", { question: "?", ...(call && { timeout: call }) });
      assert.equal(asked[0]?.timeoutMs, want);
    });
  }
});

test("code that ends the turn asks nobody", async () => {
  const { box, asked } = await recording();
  const reply = await box.call("human.ask", { question: "?" }, { isCompleting: true });
  assert.ok(!reply.ok);
  assert.equal(reply.error.code, "LEG2060");
  assert.match(reply.error.hint, /eval_and_continue/);
  assert.equal(asked.length, 0);
});

test("where no people are it says so", async () => {
  const box = await place.create({ tools: { human: { type: "builtin", builtin: "human" } } });
  const error = await box.error("human.ask", { question: "?" });
  assert.equal(error.code, "LEG2068");
  assert.match(error.hint, /legion up/);
});

test("a handler comes with the folder that its program is run in", async () => {
  const command = ["./answer.sh", "-x"];
  const { box, asked } = await recording({ handler: { command, timeout: "5s" } });
  await box.value("human.ask", { question: "?" });
  assert.deepEqual(asked[0]?.config, { handler: { command, timeout: "5s", folder: place.folder } });
});

test("an address comes as it is", async () => {
  const handler = { http: { url: "https://example.com/ask", headers: { "X-Team": "a" } } };
  const { box, asked } = await recording({ handler });
  await box.value("human.ask", { question: "?" });
  assert.deepEqual(asked[0]?.config, { handler });
});

const program = { handler: { command: ["./answer.sh"] } };
const wrong: readonly { name: string; config?: JsonObject; use?: JsonObject; says: RegExp }[] = [
  { name: "a handler of the agent's own", use: program, says: /LEG4019.*config\.handler/ },
  {
    name: "another handler than the Tool's",
    config: program,
    use: { handler: { command: ["./other.sh"] } },
    says: /LEG4019/,
  },
  {
    name: "a program and an address",
    config: { handler: { command: ["a"], http: { url: "https://a" } } },
    says: /LEG4012.*only one of: command or http/,
  },
  { name: "a handler that is nothing", config: { handler: {} }, says: /LEG4012/ },
  { name: "a program without a name", config: { handler: { command: [] } }, says: /LEG4012/ },
  {
    name: "an address of another scheme",
    config: { handler: { http: { url: "file:///etc/passwd" } } },
    says: /LEG4012.*url/,
  },
  {
    name: "no address",
    config: { handler: { http: { url: "http://" } } },
    says: /LEG4012.*no valid url/,
  },
  {
    name: "an address with a password",
    config: { handler: { http: { url: "https://me@example.com" } } },
    says: /LEG4012.*user or password/,
  },
  {
    name: "a header of two lines",
    config: { handler: { http: { url: "https://a.example", headers: { "x-a": "1\n2" } } } },
    says: /LEG4012.*headers/,
  },
  { name: "a time that is none", config: { timeout: "soon" }, says: /LEG4012.*timeout/ },
];

describe("it is refused when the toolbox is created", () => {
  for (const { name, config, use, says } of wrong) {
    test(name, async () => {
      await assert.rejects(recording(config, use), (error: Error & { code?: string }) => {
        assert.match(`${error.code} ${error.message}`, says);
        return true;
      });
    });
  }
});

const badArguments = [
  { name: "no choice at all", args: { choices: [] } },
  { name: "the same choice twice", args: { choices: ["a", "a"] } },
  { name: "an empty question", args: { question: "" } },
  { name: "a timeout that is none", args: { timeout: "1 hour" } },
];

describe("arguments that are refused", () => {
  for (const { name, args } of badArguments) {
    test(name, async () => {
      const { box, asked } = await recording();
      const error = await box.error("human.ask", { question: "?", ...args });
      assert.equal(error.code, "LEG4005");
      assert.equal(asked.length, 0);
    });
  }
});

test("with real people the call waits longer than the tool's timeout, and gets what they answer", async (t) => {
  const desk = await testPeople(t);
  const box = await place.create({
    tools: { human: { type: "builtin", builtin: "human", timeout: "20ms" } },
    askPeople: desk.people.ask,
  });
  const asking = box.value("human.ask", { question: "How many?", schema: { type: "integer" } });
  const { id, text } = await desk.opened();
  assert.equal(text, "How many?");
  await new Promise((resolve) => setTimeout(resolve, 60));
  await desk.people.decide(id, { type: "answer", answer: "7", by: "ada" });
  assert.equal(await asking, 7);
});

test("the model sees that nobody answered, and what is wrong with its schema", async (t) => {
  const desk = await testPeople(t);
  const box = await place.create({
    tools: { human: { type: "builtin", builtin: "human" } },
    askPeople: desk.people.ask,
  });
  const asking = box.error("human.ask", { question: "?", timeout: "1h" });
  await desk.opened();
  desk.time.advance(HOUR_MS);
  assert.equal((await asking).code, "LEG2061");
  const wrongSchema = await box.error("human.ask", { question: "?", schema: { type: "number?" } });
  assert.equal(wrongSchema.code, "LEG1090");
});

test("an agent that is stopped stops waiting", async (t) => {
  const desk = await testPeople(t);
  const box = await place.create({
    tools: { human: { type: "builtin", builtin: "human" } },
    askPeople: desk.people.ask,
  });
  const stop = new AbortController();
  const asking = box.call("human.ask", { question: "?" }, { signal: stop.signal });
  await desk.opened();
  stop.abort();
  const reply = await asking;
  assert.ok(!reply.ok);
  assert.equal(reply.error.code, "LEG4007");
  assert.equal((await desk.people.pending()).length, 1);
});
