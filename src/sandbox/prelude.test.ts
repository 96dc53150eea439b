// Goal: what a prelude makes is Legion's own: the code can use it, cannot replace it, and it is never one of its variables.
// Method: sandboxes with a prelude that gives functions taking functions; code that uses, shadows and attacks them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { GuestSurface, Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { errorIn, evaluate, resultOf, testLimits, testSurface } from "./testing.ts";

const surface: GuestSurface = {
  ...testSurface,
  prelude: `
    const read = tools.files.read;
    function hidden() { return "not seen"; }
    globalThis.team = {
      async each(items, visit) { return Promise.all(items.map(async (item) => visit(await read({ item })))); },
      limits: { most: 3 },
    };
    globalThis.greet = (name) => "hello " + name;
    globalThis.Team = class { size() { return team.limits.most } };
    // The last line is a comment`,
};

const pool = createSandboxPool();
let sandbox: Sandbox;
before(async () => {
  sandbox = await pool.open({ ...testLimits, timeoutMs: 10_000 }, surface);
});
after(() => pool.close());

test("its functions take functions of the code and call tools", async () => {
  const evaluation = await evaluate(
    sandbox,
    "const seen = await team.each([1, 2], ({ argument }) => argument.item * 2); [seen, greet('you'), new Team().size()]",
  );
  assert.deepEqual(resultOf(evaluation), [[2, 4], "hello you", 3]);
  assert.ok(evaluation.ok);
  assert.deepEqual(
    evaluation.bindings.map(({ name }) => name),
    ["seen"],
  );
  assert.equal(evaluation.snapshot, '{"seen":[2,4]}');
  assert.equal(evaluation.toolCalls, 2);
});

test("only what it puts on globalThis is seen", async () => {
  assert.deepEqual(resultOf(await evaluate(sandbox, "[typeof hidden, typeof read]")), [
    "undefined",
    "undefined",
  ]);
});

const declared = [
  "const team = 1",
  "function greet() {}",
  "class Team {}",
  "let { team } = { team: 1 }",
];

for (const code of declared) {
  test(`its names cannot be declared, like those of tools: ${code}`, async () => {
    const error = errorIn(await evaluate(sandbox, code), "SyntaxError");
    assert.match(error.message, /is a name of the sandbox/);
  });
}

test("a function of the code may use its names for its own variables", async () => {
  const code = "const f = (team) => { const greet = 2; return team + greet }; f(1)";
  assert.equal(resultOf(await evaluate(sandbox, code)), 3);
});

const attacks = [
  { name: "assigned", code: "team = 1; greet = 2; globalThis.Team = 3; 1" },
  { name: "deleted", code: "delete globalThis.team; delete globalThis.greet; 1" },
  {
    name: "changed inside",
    code: "team.limits.most = 99; team.each = null; Team.prototype.size = () => 5; 1",
  },
  { name: "given more", code: "team.more = 1; Team.more = 1; 1" },
];

for (const { name, code } of attacks) {
  test(`what it made is as before in the next evaluation when it was ${name}`, async () => {
    resultOf(await evaluate(sandbox, code));
    const look =
      "[typeof team.each, team.limits.most, greet('x'), new Team().size(), 'more' in team, 'more' in Team]";
    assert.deepEqual(resultOf(await evaluate(sandbox, look)), [
      "function",
      3,
      "hello x",
      3,
      false,
      false,
    ]);
  });
}

test("variables of the code that use it are kept, and work after a restart", async () => {
  const code = "const twice = (name) => greet(greet(name)); 1";
  const evaluation = await evaluate(sandbox, code);
  assert.ok(evaluation.ok);
  assert.deepEqual(evaluation.skipped, []);
  await sandbox.restore(evaluation.snapshot);
  assert.equal(resultOf(await evaluate(sandbox, "twice('x')")), "hello hello x");
});

test("an error in one of its functions is reported at the place of the code that called it", async () => {
  const error = errorIn(
    await evaluate(sandbox, "const a = 1;\nawait team.each(null)"),
    "RuntimeError",
  );
  assert.deepEqual(error.line, 2);
});

for (const { name, prelude } of [
  { name: "throws", prelude: "throw new TypeError('no')" },
  { name: "cannot be read", prelude: "1 +" },
  { name: "replaces tools", prelude: "globalThis.tools = {}" },
]) {
  test(`a prelude that ${name} opens no sandbox`, async () => {
    const opening = pool.open({ ...testLimits, isolation: "worker" }, { ...testSurface, prelude });
    await assert.rejects(opening, {
      code: "LEG3012",
      message: /the guest did not boot: \w+Error: /,
    });
  });
}
