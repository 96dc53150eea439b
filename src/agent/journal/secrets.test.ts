// Goal: what only tools may read reaches no model, no message, no event, no journal and no variables, in no form; and a run goes on all the same.
// Method: a tool that gives its vault away in every way; everything that is written is searched.
import assert from "node:assert/strict";
import { test } from "node:test";
import { durableRig } from "../../testing/durable.ts";

const SECRET = 'canary "47\\11" ä/+?';
const vault = { user: { token: SECRET, number: 123456789 } };
const forms: Readonly<Record<string, string>> = {
  raw: SECRET,
  base64: Buffer.from(SECRET).toString("base64"),
  hex: Buffer.from(SECRET).toString("hex"),
  url: encodeURIComponent(SECRET),
  json: JSON.stringify(SECRET).slice(1, -1),
  number: "123456789",
};

const replies = [
  {
    action: "eval_and_continue",
    code: "const got = await tools.box.leak({}); console.log(got); let failed; try { await tools.box.fail({}) } catch (error) { failed = error.message } got",
    result: "",
  },
  {
    action: "eval_and_complete",
    code: `const code = ${JSON.stringify(SECRET)}; await tools.box.leak({ code }); [got, failed, code]`,
    result: "",
  },
];

test("a vault is read by tools, and stands nowhere else", async () => {
  const seen: unknown[] = [];
  const spec = { outputSchema: {}, bindingScope: "conversation" };
  const functions = {
    leak: {
      idempotent: true,
      run: (_args: object, context: { vault: unknown }) => {
        seen.push(context.vault);
        return { ...forms, list: Object.values(forms), [SECRET]: 1 };
      },
    },
    fail: {
      run: () => {
        throw new Error(`not with ${Object.values(forms).join(" or ")}`);
      },
    },
  };
  await using rig = await durableRig({ spec, replies, functions });
  const task = `Do it with ${SECRET}.`;
  const request = { vault, task, conversation: "main" };
  const whole = rig.process();
  const result = await whole.run({ ...request, key: "whole" });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.deepEqual(seen, [vault, vault]);
  const kept = await rig.journal.conversation("uid", "main", 100);
  const steps = await rig.journal.steps(result.run);
  nowhere({ result, steps, kept, events: whole.events });
  assert.match(JSON.stringify(steps), /\[redacted\]/);
  // It goes on from what is on record: what was taken out is missing in both.
  const texts = (conversation: typeof kept) => conversation?.messages.map(({ text }) => text);
  for (let at = 2; at <= whole.writes; at += 1) {
    const name = `cut-${at}`;
    const cut = { at, isWritten: true };
    const again = { ...request, key: name, conversation: name };
    await assert.rejects(rig.process({ cut }).run(again));
    const next = await rig.process({ approve: () => true }).run(again);
    assert.ok(next.status === "ok", `${name}: ${JSON.stringify(next)}`);
    assert.deepEqual(next.value, result.value, name);
    assert.deepEqual(texts(await rig.journal.conversation("uid", name, 100)), texts(kept), name);
  }
});

function nowhere(places: Readonly<Record<string, unknown>>): void {
  for (const [place, value] of Object.entries(places)) {
    const text = JSON.stringify(value);
    for (const [form, written] of Object.entries(forms))
      for (const escaped of [written, JSON.stringify(written).slice(1, -1)])
        assert.ok(!text.includes(escaped), `${form} stands in ${place}`);
  }
}
