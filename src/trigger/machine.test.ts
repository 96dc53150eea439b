// Goal: the machine says what is due at every poll, holds back what its gates close, and goes on after a restart where it was.
// Method: timelines of samples at given seconds with a caller's clock; each poll of a restart test runs through saved JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "./machine.ts";
import type { Sample } from "./samples.ts";
import { compileTrigger } from "./trigger.ts";

const properties = {
  status: { type: "number" },
  ok: { type: "boolean" },
  event: { type: "string" },
  body: {},
};
const schema = { type: "object", properties };

function machineOf(trigger: string, zone = "UTC"): Machine {
  const { machine, errors } = compileTrigger(trigger, { source: "custom", schema, zone });
  assert.deepEqual(errors, []);
  assert.ok(machine !== undefined);
  return machine;
}

/** One word for each poll, every 30 s: the state, `!` and the kind of a fire, `x` and the gate that held one back. */
function told(
  trigger: string,
  statuses: readonly (number | null | string)[],
  restart = false,
): string[] {
  let machine = machineOf(trigger);
  return statuses.map((status, index) => {
    if (restart) {
      const saved = JSON.parse(JSON.stringify(machine.save()));
      machine = machineOf(trigger);
      assert.equal(machine.restore(saved), true);
    }
    const sample = status === null ? {} : { status };
    const { state, fire, suppressed, turned } = machine.poll(sample as Sample, index * 30_000);
    const mark = turned === undefined ? "" : turned === "began" ? "+" : "-";
    const fired = fire === undefined ? "" : ` !${fire.kind}`;
    return `${mark}${state}${fired}${suppressed === undefined ? "" : ` x${suppressed.gate}`}`;
  });
}

const up = 200;
const down = 500;
const timelines: readonly {
  readonly says: string;
  readonly trigger: string;
  readonly polls: readonly (number | null | string)[];
  readonly told: readonly string[];
}[] = [
  {
    says: "one fire on entering, re-armed on leaving",
    trigger: "status >= 500",
    polls: [up, down, down, up, down],
    told: ["idle", "+firing !edge", "firing", "-idle", "+firing !edge"],
  },
  {
    says: "a condition that lasts is pending first",
    trigger: "status >= 500 for 1m",
    polls: [down, down, down, up],
    told: ["pending", "pending", "+firing !edge", "-idle"],
  },
  {
    says: "a missing value shows no_data and does not fire",
    trigger: "status >= 500",
    polls: [null, down, null],
    told: ["no_data", "+firing !edge", "-no_data"],
  },
  {
    says: "a value of the wrong type is an error and then missing",
    trigger: "status >= 500",
    polls: ["high", down, "high"],
    told: ["error", "+firing !edge", "-error"],
  },
  {
    says: "missing hold keeps firing over a gap",
    trigger: "status >= 500 missing hold",
    polls: [null, down, null, null, up],
    told: ["no_data", "+firing !edge", "firing", "firing", "-idle"],
  },
  {
    says: "missing ignore breaks a row of polls",
    trigger: "status >= 500 for 2 polls missing ignore",
    polls: [down, null, down, down],
    told: ["pending", "no_data", "pending", "+firing !edge"],
  },
  {
    says: "a fire that the cooldown holds stays armed while firing goes on, and is told once",
    trigger: "status >= 500 cooldown 2m",
    polls: [down, up, down, down, down],
    told: ["+firing !edge", "-idle", "+firing xcooldown", "firing", "firing !edge"],
  },
  {
    says: "a fire that at most holds is dropped when firing ends",
    trigger: "status >= 500 at most 1 per 10m",
    polls: [down, up, down, up, up],
    told: ["+firing !edge", "-idle", "+firing xat most", "-idle", "idle"],
  },
  {
    says: "once is once, and reminders do not come either",
    trigger: "status >= 500 once repeat 30s",
    polls: [down, down, up, down],
    told: ["+firing !edge", "firing xonce", "-idle", "+firing xonce"],
  },
  {
    says: "reminders pass the gates",
    trigger: "status >= 500 repeat 30s cooldown 1m",
    polls: [down, down, down, down, down],
    told: [
      "+firing !edge",
      "firing xcooldown",
      "firing !reminder",
      "firing xcooldown",
      "firing !reminder",
    ],
  },
  {
    says: "clear needs its own polls, counted from the fire",
    trigger: "status >= 500 clear when status < 600 for 2 polls",
    polls: [up, up, down, down, down, down],
    told: ["idle", "idle", "+firing !edge", "firing", "-idle", "+firing !edge"],
  },
  {
    says: "clear and keep together need both",
    trigger: "status >= 500 clear when status < 300 keep 1m",
    polls: [down, up, up, up],
    told: ["+firing !edge", "firing", "-idle", "idle"],
  },
  {
    says: "keep and every poll fire only while it is true",
    trigger: "status >= 500 every poll keep 1m",
    polls: [down, up, down, up, up],
    told: ["+firing !edge", "firing", "firing !poll", "firing", "-idle"],
  },
  {
    says: "n of m is left when too few are true",
    trigger: "status >= 500 for 2 of 3 polls",
    polls: [down, up, down, up, up, up],
    told: ["pending", "idle", "+firing !edge", "-idle", "idle", "idle"],
  },
  {
    says: "followed by is pending until the second, at a later poll, in time",
    trigger: "status == 503 followed by status == 200 within 1m",
    polls: [503, 200, 200, 503, 404, 404, 200],
    told: ["pending", "+firing !edge", "-idle", "pending", "pending", "pending", "idle"],
  },
];

for (const { says, trigger, polls, told: wanted } of timelines) {
  test(`${says}: ${trigger}`, () => assert.deepEqual(told(trigger, polls), wanted));
  test(`a restart before every poll changes nothing: ${trigger}`, () => {
    assert.deepEqual(told(trigger, polls, true), wanted);
  });
}

test("a fire outside the window is deferred into it, and dropped when firing ends before", () => {
  const machine = machineOf("status >= 500 between 09:00 and 17:00");
  const at = (time: string) => Date.parse(`2026-11-20T${time}:00Z`);
  assert.equal(machine.poll({ status: 500 }, at("06:00")).suppressed?.gate, "window");
  assert.equal(machine.poll({ status: 500 }, at("07:00")).suppressed, undefined);
  assert.equal(machine.poll({ status: 200 }, at("08:00")).turned, "ended");
  assert.equal(machine.poll({ status: 200 }, at("09:00")).fire, undefined);
  machine.poll({ status: 500 }, at("18:00"));
  const { fire } = machine.poll({ status: 500 }, at("09:30") + 86_400_000);
  assert.equal(fire?.isDeferred, true);
  assert.equal(fire?.kind, "edge");
});

test("except closes a part of the window, and gates are asked in their order", () => {
  const machine = machineOf(
    "status >= 500 every poll cooldown 1m between 09:00 and 17:00 except between 12:00 and 13:00 unless firing(other-one)",
  );
  const at = (time: string) => Date.parse(`2026-11-20T${time}:00Z`);
  const gate = (time: string, firing = false) =>
    machine.poll({ status: 500 }, at(time), (name) => firing && name === "other-one").suppressed
      ?.gate;
  assert.equal(gate("11:59"), undefined);
  assert.equal(gate("12:00"), "window", "the window is asked before the cooldown");
  assert.equal(gate("12:59", true), "unless", "unless is asked before the window");
  assert.equal(gate("13:00"), undefined);
});

test("state of another trigger text is not taken", () => {
  const before = machineOf("status >= 500 once");
  before.poll({ status: 500 }, 0);
  const after = machineOf("status >= 501 once");
  assert.equal(after.restore(before.save()), false);
  assert.equal(after.poll({ status: 501 }, 30_000).fire?.count, 1);
});

test("history goes over a restart", () => {
  const trigger = "changed(body) or delta(status) > 10 or prev(status, 2) == 7";
  const samples = [
    { status: 7, body: { a: [1, { b: null }] } },
    { status: 8, body: { a: [1, { b: null }] } },
    { status: 9, body: { a: [1, { b: null }] } },
    { status: 9, body: { a: [1, { b: 1 }] } },
    { status: 9, body: { a: [1, { b: 1 }] } },
    { status: 20, body: { a: [1, { b: 1 }] } },
  ];
  let machine = machineOf(trigger);
  const values = samples.map((sample, index) => {
    const saved = JSON.parse(JSON.stringify(machine.save()));
    machine = machineOf(trigger);
    assert.ok(machine.restore(saved));
    return machine.poll(sample, index * 1000).value;
  });
  // The first has no poll two ago: what is not there does not make a condition false.
  assert.deepEqual(values, ["missing", "missing", true, true, false, true]);
});

test("actions are filled in when the trigger fires", () => {
  const machine = machineOf(
    'status >= 500 then wake "{{status}} at {{now}}, {{body.name}} \\u007b", tool:page.me {"code" : status + 1, "n" : [body.x]}, task:ops',
  );
  const { fire } = machine.poll({ status: 503, body: { name: "api" } }, 0);
  assert.deepEqual(fire?.actions, [
    { kind: "wake", text: "503 at 1970-01-01T00:00:00Z, api {" },
    { kind: "tool", name: "page.me", argument: { code: 504, n: [null] } },
    { kind: "task", name: "ops" },
  ]);
  assert.deepEqual(fire?.values, { status: 503 });
});

test("a text with a large value in it many times stays bounded", () => {
  const holes = "{{text}}".repeat(400);
  const { machine } = compileTrigger(`when size(text) > 0 then wake "${holes}"`, {
    source: "fileWatch",
  });
  const { fire } = machine?.poll({ text: "x".repeat(2 ** 20) }, 0) ?? {};
  assert.equal(fire?.actions[0]?.text?.length, 2 ** 20);
});

test("a trigger without then wakes", () => {
  assert.deepEqual(machineOf("ok").poll({ ok: true }, 0).fire?.actions, [{ kind: "wake" }]);
});

test("the values of a fire are what the condition looked at", () => {
  const machine = machineOf(
    "body.a.b > 1 and avg(status, 2 polls) > 1 and body.list.exists(x, x > status)",
  );
  machine.poll({ status: 2, body: { a: { b: 2 }, list: [9] } }, 0);
  const { fire } = machine.poll({ status: 4, body: { a: { b: 2 }, list: [9] } }, 1000);
  assert.deepEqual(fire?.values, { "body.a.b": 2, "avg(status, 2 polls)": 3, "body.list": [9] });
});

test("explain gives every part its type and its last value", () => {
  const machine = machineOf("avg(status, 5m) > 1 and body.list.exists(x, x > 2)");
  machine.poll({ status: 4, body: { list: [1, 9] } }, 0);
  const lines = machine
    .explain()
    .map(({ depth, text, type, value }) => `${depth} ${text}: ${type} = ${value}`);
  assert.deepEqual(lines, [
    "0 avg(status, 5m) > 1 and body.list.exists(x, x > 2): bool = true",
    "1 avg(status, 5m) > 1: bool = true",
    "2 avg(status, 5m): number = 4",
    "3 status: number = 4",
    "1 body.list.exists(x, x > 2): bool = true",
    "2 body.list: dyn = [1,9]",
    '3 body: dyn = {"list":[1,9]}',
    "2 x > 2: bool = undefined",
    "3 x: dyn = undefined",
  ]);
});

test("an evaluation that costs too much is an error, not a hang", () => {
  const machine = machineOf("body.all(a, body.all(b, body.all(c, a + b + c > -1)))");
  const { state, error } = machine.poll(
    { body: Array.from({ length: 1000 }, (_, index) => index) },
    0,
  );
  assert.equal(state, "error");
  assert.match(error ?? "", /more than 100000 steps/);
});

test("data that is nested beyond the stack is an error, not a crash", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  const machine = machineOf("changed(body) or hash(body) == 'x' or body == [body]");
  assert.equal(machine.poll({ body: deep }, 0).state, "error");
});

test("a source that flaps 1,000 times a minute never fires above the declared rate, and each edge is answered for", () => {
  const machine = machineOf("status >= 500 cooldown 7s at most 3 per 1m");
  const fires: number[] = [];
  let state = 12_345;
  for (let poll = 0; poll < 20_000; poll += 1) {
    const nowMs = poll * 60;
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const { fire, suppressed, turned } = machine.poll(
      { status: (state >> 16) % 2 === 0 ? 500 : 200 },
      nowMs,
    );
    if (turned === "began") assert.ok((fire === undefined) !== (suppressed === undefined));
    if (fire !== undefined) fires.push(nowMs);
  }
  assert.ok(fires.length >= 55, `${fires.length} fires in twenty minutes`);
  for (const [index, at] of fires.entries()) {
    assert.ok(at - (fires[index - 1] ?? Number.NEGATIVE_INFINITY) >= 7000);
    assert.ok(at - (fires[index - 3] ?? Number.NEGATIVE_INFINITY) >= 60_000);
  }
});
