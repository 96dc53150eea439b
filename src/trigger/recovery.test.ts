// Goal: a trigger tells what it names and where, and a recovery is checked and filled like the actions of the trigger.
// Method: tables of texts with the words that each reference stands on; machines that run through a timeline and a restart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTrigger, compileTrigger } from "./trigger.ts";

const source = "httpPoll";

const named: readonly {
  readonly says: string;
  readonly text: string;
  readonly recovery?: string;
  /** `kind:the words it stands on`, and what it is given. */
  readonly references: readonly string[];
}[] = [
  {
    says: "without a then it wakes, for the sake of the whole condition",
    text: "when status >= 500 or not ok for 3 polls cooldown 5m",
    references: ["wake:status >= 500 or not ok"],
  },
  {
    says: "targets stand on their names",
    text: `ok then wake "x", tool:web-search.find {'a': 1, "b": 2}, message:ops "y", task:t, pipeline:p`,
    references: [
      "wake:wake",
      "tool:web-search.find map a,b",
      "message:ops text",
      "task:t",
      "pipeline:p",
    ],
  },
  {
    says: "functions may have names that only JavaScript allows",
    text: "ok then tool:a.$b_c$",
    references: ["tool:a.$b_c$"],
  },
  {
    says: "a computed key is not told",
    text: `ok then tool:a.b {"a": 1, (text + "x"): 2}`,
    references: ["tool:a.b map"],
  },
  {
    says: "the other watcher, by name or by a string",
    text: "ok unless firing(api-2-down)",
    references: ["watcher:api-2-down", "wake:ok"],
  },
  {
    says: "a string keeps its quotes in the span",
    text: 'ok unless firing("api down") then silent',
    references: ['watcher:"api down"', "silent:silent"],
  },
  {
    says: "the recovery's come last, with offsets of its own text",
    text: "ok then silent",
    recovery: '# back\n wake "up", message:ops',
    references: ["silent:silent", "recovery wake:wake", "recovery message:ops"],
  },
  {
    says: "what can be read is told though its types are wrong",
    text: "statu > 1 then message:ops",
    references: ["message:ops"],
  },
  { says: "of what cannot be read nothing is known", text: "ok then", references: [] },
];

for (const { says, text, recovery, references } of named) {
  test(`references: ${says}`, () => {
    const checked = checkTrigger(text, { source, ...(recovery !== undefined && { recovery }) });
    const told = checked.references.map(({ kind, name, start, end, in: of, given, keys }) => {
      const words = (of === "trigger" ? text : (recovery ?? "")).slice(start, end);
      if (name !== undefined && kind !== "watcher") assert.equal(words, name);
      const more = [given, keys?.join(",")].filter((part) => part !== undefined).join(" ");
      return `${of === "recovery" ? "recovery " : ""}${kind}:${words}${more === "" ? "" : ` ${more}`}`;
    });
    assert.deepEqual(told, references);
  });
}

const wrong: readonly { readonly recovery: string; readonly code: string; readonly at: string }[] =
  [
    { recovery: "", code: "E102", at: "1:1" },
    { recovery: "then wake", code: "E102", at: "1:1" },
    { recovery: "wake wake", code: "E102", at: "1:6" },
    { recovery: "wake,", code: "E102", at: "1:6" },
    { recovery: "mail", code: "E106", at: "1:1" },
    { recovery: 'wake\n, message:a "{{statu}}"', code: "E401", at: "2:16" },
    { recovery: 'wake "{{status"', code: "E109", at: "1:7" },
    { recovery: "silent", code: "E211", at: "1:1" },
    { recovery: "wake, silent", code: "E211", at: "1:7" },
    { recovery: "tool:a.b {'x': status + text}", code: "E203", at: "1:23" },
    { recovery: "tool:a.b {x: status}", code: "E401", at: "1:11" },
    { recovery: `wake "${"x".repeat(4096)}"`, code: "E304", at: "1:1" },
  ];

for (const { recovery, code, at } of wrong) {
  test(`a recovery that is wrong: ${recovery.slice(0, 40)}`, () => {
    const options = { source, recovery } as const;
    const { ok, errors, recoveryErrors } = checkTrigger("ok", options);
    const [first] = recoveryErrors;
    assert.equal(ok, false);
    assert.deepEqual(errors, []);
    assert.equal(`${first?.line}:${first?.column}`, at);
    assert.equal(first?.code, code);
    assert.equal(compileTrigger("ok", options).machine, undefined);
  });
}

test("what is wrong with both texts is told of both", () => {
  const checked = checkTrigger("statu > 1", { source, recovery: "wake '{{boddy}}'" });
  assert.match(checked.errors[0]?.message ?? "", /statu/);
  assert.match(checked.recoveryErrors[0]?.message ?? "", /boddy/);
});

function machineOf(recovery?: string, text = "status >= 500") {
  const { machine } = compileTrigger(text, { source, ...(recovery !== undefined && { recovery }) });
  assert.ok(machine !== undefined);
  return machine;
}

test("a recovery is filled from the last sample", () => {
  const machine = machineOf(`wake "{{status}} after {{poll}} polls", tool:a.b {'code': status}`);
  assert.deepEqual(machine.recover(), []);
  machine.poll({ status: 500 }, 0);
  const { turned } = machine.poll({ status: 204 }, 1000);
  assert.equal(turned, "ended");
  const told = [
    { kind: "wake", text: "204 after 2 polls" },
    { kind: "tool", name: "a.b", argument: { code: 204 } },
  ];
  assert.deepEqual(machine.recover(), told);
  assert.deepEqual(machine.recover(), told);
});

test("without a recovery nothing is done", () => {
  const machine = machineOf();
  machine.poll({ status: 500 }, 0);
  machine.poll({ status: 200 }, 1000);
  assert.deepEqual(machine.recover(), []);
});

test("the history of a recovery goes on through a restart, and begins anew when its text changes", () => {
  const text = "max(status, 3 polls) >= 500";
  const recovery = 'wake "{{min(status, 2 polls)}}"';
  const first = machineOf(recovery, text);
  for (const [index, status] of [510, 500, 501].entries()) first.poll({ status }, index);
  const saved = JSON.parse(JSON.stringify(first.save()));

  const same = machineOf(recovery, text);
  assert.equal(same.restore(saved), true);
  same.poll({ status: 502 }, 3);
  assert.deepEqual(same.recover(), [{ kind: "wake", text: "501" }]);

  const changed = machineOf('wake "{{max(status, 2 polls) ?? 0}}"', text);
  assert.equal(changed.restore(saved), true);
  assert.equal(changed.poll({ status: 502 }, 3).state, "firing");
  assert.deepEqual(changed.recover(), [{ kind: "wake", text: "0" }]);
});
