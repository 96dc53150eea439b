// Goal: each verb for agents, runs, questions and conversations does its job against a daemon, says in one line what it did, and names the next step when it cannot.
// Method: one daemon in a process of its own whose model does what the message says; the commands run on streams against it.
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { RunRecord } from "../state/journal.ts";
import type { Question } from "../state/questions.ts";
import { agentKey } from "../testing/daemon.ts";
import { startVerbsDaemon, type VerbsDaemon } from "../testing/verbs-daemon.ts";

let verbs: VerbsDaemon;
before(async () => {
  verbs = await startVerbsDaemon();
});
after(() => verbs[Symbol.asyncDispose]());

const run: VerbsDaemon["run"] = (words, options) => verbs.run(words, options);

const known = new Set<string>();

/** The next question, once it waits. */
async function pending(): Promise<Question> {
  const event = await verbs.daemon.untilEvent(
    ({ kind, data }) =>
      kind === "legion.human.input_required" && !known.has((data as { question: string }).question),
  );
  const { question: id } = event.data as { question: string };
  known.add(id);
  const questions = await verbs.json<Question[]>(["get", "questions"]);
  const found = questions.find((each) => each.id === id);
  assert.ok(found);
  return found;
}

/** Asks an agent what its model never answers; resolves when the model was asked. */
async function askInVain(name: string) {
  const hung = verbs.hung();
  const asking = run(["ask", name, "hang", "-q"]);
  await hung;
  return { asking };
}

const wrong: readonly {
  readonly words: readonly string[];
  readonly code: string;
  readonly says: RegExp;
}[] = [
  { words: ["pause", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["stop", "agent/adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["interrupt", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["restart", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["scale", "adda", "--replicas", "2"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["attach", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["chat", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["inbox", "redrive", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  { words: ["conversations", "list", "adda"], code: "LEG6030", says: /did you mean "ada"/ },
  {
    words: ["resume", "ada"],
    code: "LEG2070",
    says: /running already[\s\S]*paused, stopped, terminated/,
  },
  { words: ["stop", "--all", "ada"], code: "LEG7001", says: /leave one of the two out/ },
  { words: ["pause"], code: "LEG7017", says: /legion get agents/ },
  { words: ["pause", "tool/kv"], code: "LEG7002", says: /takes an agent, not a tool/ },
  { words: ["scale", "ada"], code: "LEG7001", says: /--replicas/ },
  { words: ["scale", "ada", "--replicas", "101"], code: "LEG7001", says: /from 1 to 100/ },
  { words: ["scale", "ada", "--replicas", "two"], code: "LEG7001", says: /--replicas/ },
  { words: ["respond", "ABCDEFGH", "yes"], code: "LEG6070", says: /legion get questions/ },
  { words: ["respond", "ABCDEFGH"], code: "LEG7001", says: /legion respond ABCDEFGH/ },
  { words: ["respond", "ABCDEFGH", "{", "--json"], code: "LEG7001", says: /is no JSON/ },
  { words: ["approve"], code: "LEG7001", says: /legion get questions/ },
  { words: ["deny", "ABCDEFGH"], code: "LEG6070", says: /legion get questions/ },
  { words: ["runs", "show"], code: "LEG7001", says: /legion runs list/ },
  { words: ["runs", "show", "ZZZZZZZZ"], code: "LEG6060", says: /legion runs list/ },
  { words: ["runs", "show", "0"], code: "LEG6060", says: /legion runs list/ },
  { words: ["runs", "cancel", "ZZZZZZZZ"], code: "LEG6060", says: /legion runs list/ },
  {
    words: ["runs", "list", "--status", "cancelled"],
    code: "LEG7001",
    says: /did you mean "cancel"/,
  },
  { words: ["runs", "list", "--limit", "none"], code: "LEG7001", says: /--limit/ },
  {
    words: ["conversations", "show", "bob", "x"],
    code: "LEG2075",
    says: /legion conversations list/,
  },
  { words: ["conversations", "end", "ada"], code: "LEG7001", says: /legion conversations list/ },
  { words: ["graveyard", "restore", "nobody"], code: "LEG6075", says: /legion graveyard list/ },
  {
    words: ["ask", "ada", "x", "--vault", "none.json"],
    code: "LEG7001",
    says: /--vault cannot use/,
  },
];
for (const { words, code, says } of wrong) {
  test(`legion ${words.join(" ")} is ${code}, with the next step`, async () => {
    const { exitCode, stdout, stderr } = await run(words);
    assert.notEqual(exitCode, 0);
    assert.equal(stdout, "");
    assert.match(stderr, new RegExp(`^error\\[${code}\\]: `));
    assert.match(stderr, says);
  });
}

test("an agent is paused, resumed, stopped and restarted; illegal edges name the legal ones", async () => {
  assert.equal((await run(["pause", "bob", "--reason", "release"])).stdout, "agent/bob paused\n");
  const told = await run(["tell", "bob", "one"]);
  assert.match(told.stderr, /^1 message waiting/);
  const status = await run(["status"]);
  assert.match(
    status.stdout,
    /agent\/bob +Paused\n[\s\S]*legion pause: release[\s\S]*1 message\s+waiting/,
  );
  assert.match((await run(["get", "agents", "-o", "wide"])).stdout, /^bob .* paused +2 /m);
  assert.match((await run(["pause", "bob"])).stderr, /LEG2070[\s\S]*running, stopped, terminated/);
  assert.equal((await run(["resume", "agent/bob"])).stdout, "agent/bob resumed\n");
  assert.equal((await run(["stop", "bob"])).stdout, "agent/bob stopped\n");
  assert.match((await run(["ask", "bob", "x"])).stderr, /stopped[\s\S]*legion resume/);
  assert.equal((await run(["restart", "bob"])).stdout, "agent/bob restarted\n");
  assert.equal((await run(["ask", "bob", "two", "-q"])).stdout, "you said two\n");
});

test("the kill switch cancels every turn and stops every agent", async () => {
  const { asking } = await askInVain("ada");
  const { stdout } = await run(["stop", "--all", "--reason", "test", "-o", "json"]);
  assert.deepEqual(JSON.parse(stdout), { stopped: 4 });
  assert.equal((await asking).exitCode, 130);
  for (const name of ["ada", "bob", "gone", "poor"]) {
    const { status } = await verbs.json<{ status: { loop: { lifecycle: object } } }>([
      ...["get", `agent/${name}`],
    ]);
    assert.deepEqual(
      status.loop.lifecycle,
      { state: "stopped", reason: "test", actor: "legion stop" },
      name,
    );
    assert.equal((await run(["resume", name])).exitCode, 0);
  }
});

test("a turn is interrupted and the agent goes on; the run is told by the end of its id", async () => {
  const { asking } = await askInVain("ada");
  const { stdout } = await run(["interrupt", "ada"]);
  assert.equal(stdout, "1 turn of agent/ada cancelled\n");
  assert.equal((await asking).exitCode, 130);
  assert.equal((await run(["ask", "ada", "hello", "-q"])).stdout, "you said hello\n");
  const runs = await verbs.json<RunRecord[]>(["runs", "list", "--agent", "ada", "--limit", "2"]);
  assert.deepEqual(
    runs.map(({ status, reason }) => [status, reason]),
    [
      ["ok", undefined],
      ["cancel", "interrupted"],
    ],
  );
  const id = runs[0]?.run ?? "";
  for (const short of [id, id.slice(-8), id.slice(-8).toLowerCase()]) {
    const { stdout: shown } = await run(["runs", "show", short]);
    assert.match(shown, new RegExp(`^Run: +${id}\n`));
    assert.match(shown, /turn\.started +hello\n[\s\S]*turn\.finished +ok you said hello\n/);
  }
  assert.match((await run(["runs", "show", id.slice(0, 4)])).stderr, /may be \d+ runs/);
  const replayed = await run(["runs", "replay", id]);
  assert.deepEqual([replayed.exitCode, replayed.stderr], [0, ""]);
  assert.match(replayed.stdout, /the same again/);
  const ended = await run(["runs", "cancel", id]);
  assert.equal(ended.exitCode, 1);
  assert.match(ended.stderr, /has ended already: legion runs show/);
  assert.match((await run(["runs", "resume", id])).stderr, /LEG2076/);
});

test("a run is cancelled, and its task is given again", async () => {
  const { asking } = await askInVain("ada");
  const [running] = await verbs.json<RunRecord[]>(["runs", "list", "--status", "running"]);
  const id = running?.run ?? "";
  assert.equal((await run(["runs", "cancel", id.slice(-8)])).exitCode, 0);
  assert.notEqual((await asking).exitCode, 0);
  const hung = verbs.hung();
  const resumed = await run(["runs", "resume", id]);
  assert.match(resumed.stdout, /^the task of run \S+ waits again, as message \S+\n$/);
  await hung;
  assert.match((await run(["interrupt", "ada"])).stdout, /^1 turn/);
});

test("a question is listed, checked against its choices, and answered once", async () => {
  const asking = run(["ask", "ada", "colour", "-q"]);
  const { id } = await pending();
  const short = id.slice(-8);
  const table = (await run(["get", "questions"], { columns: 80 })).stdout;
  assert.match(table, new RegExp(`^${short} +ada +question +pending .*Which colour\\?`, "m"));
  assert.match((await run(["status"])).stdout, /1 question of agents without/);
  const detail = (await run(["get", `question/${short}`])).stdout;
  assert.match(detail, new RegExp(`^Id: +${id}\n`));
  assert.match(detail, new RegExp(`Next: +legion respond ${short} 'red'`));
  const green = await run(["respond", short, "green"]);
  assert.match(green.stderr, /LEG2064[\s\S]*"red", "blue"/);
  assert.match((await run(["approve", short])).stderr, /^error\[/);
  assert.equal((await run(["respond", short, "red"])).stdout, `question ${short} answered\n`);
  assert.equal((await asking).stdout, "got red\n");
  assert.match((await run(["respond", short, "red"])).stderr, /LEG6071/);
  const [none, all] = [
    await run(["get", "questions"]),
    await run(["get", "questions", "-o", "json"]),
  ];
  assert.deepEqual([none.stdout, none.stderr], ["", "no questions wait for an answer\n"]);
  assert.deepEqual(JSON.parse(all.stdout), []);
});

for (const { verb, wants } of [
  { verb: ["approve"], wants: /^got / },
  { verb: ["deny", "--reason", "too dear"], wants: /too dear/ },
]) {
  test(`a call that needs it waits for legion ${verb[0]}`, async () => {
    const asking = run(["ask", "ada", "shop", "-q"]);
    const { id, call } = await pending();
    assert.deepEqual([call?.name, call?.argument], ["kv.set", { key: "a", value: "plan" }]);
    const [word = "", ...flags] = verb;
    const { stdout } = await run([word, id.slice(-8), ...flags, "--by", "ada"]);
    assert.match(stdout, /^approval \S+ (approved|denied)\n$/);
    assert.match((await asking).stdout, wants);
  });
}

test("conversations keep apart what was said, and end for good", async () => {
  const ada = ["--conversation", "ada", "-q"];
  assert.equal((await run(["ask", "bob", "first", ...ada])).exitCode, 0);
  assert.equal((await run(["ask", "bob", "second", ...ada])).exitCode, 0);
  const list = (await run(["conversations", "list", "bob"], { columns: 80 })).stdout;
  assert.match(list, /^ada +2 +4 /m);
  const shown = (await run(["conversations", "show", "bob", "ada", "--limit", "2"])).stdout;
  assert.match(shown, /^user [\s\S]*second[\s\S]*assistant [\s\S]*you said second/);
  assert.doesNotMatch(shown, /first/);
  const end = ["conversations", "end", "bob", "ada"];
  assert.equal((await run(end)).stdout, "conversation ada of agent/bob ended\n");
  const again = await run(end);
  assert.deepEqual(
    [again.exitCode, again.stdout],
    [1, "conversation ada of agent/bob was not there\n"],
  );
});

test("a message that was given up is listed with its cause, and redriven by the end of its id", async () => {
  assert.equal((await run(["tell", "poor", "broken"])).exitCode, 0);
  const dead = () => verbs.json<{ id: string; task: string; cause: string }[]>(["inbox", "dead"]);
  let [letter] = await dead();
  while (letter === undefined) [letter] = await dead();
  assert.equal(letter.task, "broken");
  const short = letter.id.slice(-8);
  const table = (await run(["inbox", "dead"], { columns: 80 })).stdout;
  assert.match(table, new RegExp(`^${short} +poor `, "m"));
  assert.match((await run(["status"])).stdout, /1 dead letter, given up/);
  const unknown = await run(["inbox", "redrive", "poor", "ZZZZZZZZ"]);
  assert.deepEqual([unknown.exitCode, unknown.stdout], [1, "0 messages back in agent/poor\n"]);
  const back = await run(["inbox", "redrive", "agent/poor", short.toLowerCase()]);
  assert.deepEqual([back.exitCode, back.stdout], [0, "1 message back in agent/poor\n"]);
});

test("attach tells what was and what comes, until it is left", async () => {
  const leaving = new AbortController();
  const seen = Promise.withResolvers<void>();
  const attached = run(["attach", "bob"], {
    signal: leaving.signal,
    columns: 80,
    onOutput: (stdout) => {
      if (/answer to \S+: you said attached/.test(stdout)) seen.resolve();
    },
  });
  await run(["ask", "bob", "attached", "-q"]);
  await seen.promise;
  leaving.abort();
  const { exitCode, stdout } = await attached;
  assert.equal(exitCode, 130);
  for (const line of stripVTControlCharacters(stdout).split("\n"))
    assert.ok(line.length <= 80, line);
});

test("a shell is offered runs, conversations and what waits for a person", async () => {
  const words = async (...typed: string[]) =>
    (await run(["__complete", "--", ...typed])).stdout
      .split("\n")
      .map((line) => line.split("\t")[0]);
  const asking = run(["ask", "ada", "shop", "-q", "--conversation", "offered"]);
  const { id, run: asker } = await pending();
  assert.deepEqual(await words("approve", ""), [id.slice(-8), ""]);
  assert.deepEqual(await words("respond", ""), [""]);
  assert.equal((await words("runs", "show", ""))[0], asker.slice(-8));
  assert.equal((await run(["deny", id])).exitCode, 0);
  await asking;
  assert.ok((await words("conversations", "show", "ada", "")).includes("offered"));
});

test("an agent is scaled and stays what its file declares; pool/NAME reaches the replicas", async () => {
  const before = await verbs.json<{ metadata: { origin: object } }>(["get", "agent/bob"]);
  assert.equal(
    (await run(["scale", "bob", "--replicas", "3"])).stdout,
    "agent/bob has 3 replicas\n",
  );
  const after = await verbs.json<{
    metadata: { origin: object };
    spec: { replicas: number };
    status: { loop: { lanes: { conversation: string }[] } };
  }>(["get", "agent/bob"]);
  assert.deepEqual(after.metadata.origin, before.metadata.origin);
  assert.equal(after.spec.replicas, 3);
  const { stdout } = await run(["ask", "pool/bob", "hello", "-q"]);
  assert.equal(stdout, "you said hello\n");
  const { stdout: described } = await run(["describe", "agent/bob"]);
  assert.match(described, /\nSpec: \(and \d+ defaults[\s\S]*replicas: 3\n/);
  assert.doesNotMatch(described, /maxIterations/);
});

test("what was deleted lies in the graveyard, and comes back with its conversations", async () => {
  await run(["ask", "gone", "remember", "-q"]);
  await verbs.daemon.remove("agents.d/gone.yaml");
  await verbs.daemon.until(agentKey("gone"), (object) => object === undefined);
  assert.match((await run(["graveyard", "list"], { columns: 80 })).stdout, /^gone +default /m);
  const taken = await run(["graveyard", "restore", "gone"]);
  assert.equal(taken.stdout, "agent/gone restored\n", taken.stderr);
  await verbs.daemon.untilReady(agentKey("gone"));
  assert.match((await run(["conversations", "show", "gone"])).stdout, /you said remember/);
  assert.match((await run(["graveyard", "restore", "gone"])).stderr, /LEG607[56]/);
});

test("what a vault holds is in no output, no event and no file of the state folder", async () => {
  const canary = "canary-7f3a9c41d2";
  await writeFile(join(verbs.daemon.folder, "vault.json"), JSON.stringify({ token: canary }));
  const asked = await run(["ask", "ada", "hello", "-v", "--vault", "vault.json", "-o", "json"]);
  assert.equal(asked.exitCode, 0);
  const [last] = await verbs.json<RunRecord[]>(["runs", "list", "--limit", "1"]);
  const shown = await run(["runs", "show", last?.run ?? "", "-o", "json"]);
  const bad = await run(["ask", "ada", "x", "--vault", "agents.d/all.yaml"]);
  assert.match(bad.stderr, /it is no JSON/);
  const events = JSON.stringify(await verbs.daemon.events());
  const outputs = [asked, shown, bad].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  const texts = [...outputs, events, verbs.daemon.stderr()];
  const state = join(verbs.daemon.folder, ".legion");
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    texts.push((await readFile(join(entry.parentPath, entry.name))).toString("latin1"));
  }
  const hex = Buffer.from(canary).toString("hex");
  const base64 = Buffer.from(canary).toString("base64").replace(/=*$/, "").slice(2, -2);
  for (const text of texts) {
    for (const form of [canary, hex, base64])
      assert.ok(!text.includes(form), `${form} in ${text.slice(0, 80)}`);
  }
});

const tables: readonly (readonly string[])[] = [
  ["runs", "list"],
  ["conversations", "list", "ada"],
  ["get", "questions", "all"],
  ["inbox", "dead"],
  ["graveyard", "list"],
  ["get", "agents"],
  ["describe", "agent/ada"],
];
for (const words of tables) {
  test(`legion ${words.join(" ")} is not wider than a terminal of 80 columns`, async () => {
    const { exitCode, stdout, stderr } = await run(words, { columns: 80 });
    assert.equal(exitCode, 0, stderr);
    for (const line of stripVTControlCharacters(stdout).split("\n"))
      assert.ok(line.length <= 80, `${line.length}: ${line}`);
  });
  test(`legion ${words.join(" ")} -o json is JSON, and -q says nothing on stderr`, async () => {
    const { stdout, stderr } = await run([...words, "-o", "json", "-q"]);
    assert.equal(stderr, "");
    JSON.parse(stdout);
  });
}
