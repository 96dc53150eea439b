// Goal: what is wrong with a trigger is said before it runs, with a code, its place and a way out; what is right passes.
// Method: tables of triggers per code, with the place of the first problem; the bounds one below and one above.
import assert from "node:assert/strict";
import { test } from "node:test";
import { functionOf, signatureOf, triggerFunctions } from "./functions.ts";
import { problemTitles } from "./problems.ts";
import type { Source } from "./roots.ts";
import { checkTrigger, explainTrigger } from "./trigger.ts";

interface Wrong {
  readonly text: string;
  readonly code: keyof typeof problemTitles;
  readonly at: string;
  readonly says?: RegExp;
  readonly source?: Source;
  readonly schema?: unknown;
}

const object = (properties: unknown, rest = {}) => ({ type: "object", properties, ...rest });

const wrong: readonly Wrong[] = [
  { text: "ok @ ok", code: "E100", at: "1:4", says: /unexpected "@"/ },
  { text: "ok & ok", code: "E100", at: "1:4", says: /write and/ },
  { text: "ok = true", code: "E101", at: "1:4" },
  { text: "", code: "E102", at: "1:1" },
  { text: "ok and", code: "E102", at: "1:7" },
  { text: "ok and  # why not\n", code: "E102", at: "1:7" },
  { text: "ok coldown 5m", code: "E102", at: "1:4", says: /did you mean cooldown/ },
  { text: "ok 5", code: "E102", at: "1:4", says: /or the end/ },
  { text: "ok then", code: "E102", at: "1:8", says: /expected an action/ },
  { text: "ok missing keep", code: "E102", at: "1:12", says: /write missing hold/ },
  { text: "ok cooldown", code: "E104", at: "1:12" },
  { text: "ok for 5", code: "E102", at: "1:9" },
  { text: "ok for ever", code: "E104", at: "1:8", says: /for 3 of 5 polls/ },
  { text: "ok between 9 and 17:00", code: "E105", at: "1:12" },
  { text: "ok then mail", code: "E106", at: "1:9" },
  { text: "ok once once", code: "E107", at: "1:9" },
  { text: "latency > 5min", code: "E108", at: "1:11", says: /units are/ },
  { text: 'ok then wake "a {{status"', code: "E109", at: "1:17" },
  { text: "ok between 09:00 and 17:00 on monday", code: "E110", at: "1:31" },
  { text: "body == [1] and headers < headers", code: "E201", at: "1:25" },
  { text: 'status in ["a"]', code: "E201", at: "1:8" },
  { text: "10 < latency", code: "E202", at: "1:4", says: /10ms/ },
  { text: '"a" in text', code: "E203", at: "1:5", says: /use contains/ },
  { text: "status and ok", code: "E203", at: "1:1" },
  { text: "-ok == 1", code: "E203", at: "1:2" },
  { text: 'text.matches("a(")', code: "E204", at: "1:14" },
  { text: 'text matches "a(?=b)"', code: "E204", at: "1:14" },
  { text: "size() == 1", code: "E205", at: "1:1", says: /1 argument, not 0/ },
  { text: "body.all(x) ", code: "E205", at: "1:6" },
  { text: "rate(status, ok) > 1", code: "E206", at: "1:14" },
  { text: "status == 5 polls", code: "E206", at: "1:11" },
  { text: 'now.getHours("Oslo") > 8', code: "E207", at: "1:14" },
  { text: "latency", code: "E208", at: "1:1", says: /not duration/ },
  { text: "ok clear when status", code: "E208", at: "1:15" },
  { text: "changed(delta(status))", code: "E209", at: "1:9" },
  { text: "changed(prev)", code: "E209", at: "1:9" },
  {
    text: 'event == "changed"',
    code: "E210",
    at: "1:10",
    says: /did you mean change/,
    source: "fileWatch",
  },
  { text: 'event in ["add", "gone"]', code: "E210", at: "1:18", source: "fileWatch" },
  { text: 'timestamp("2026-13-01") < now', code: "E210", at: "1:11" },
  { text: "ok then wake, silent", code: "E211", at: "1:15" },
  { text: "size(status) == 1", code: "E212", at: "1:6", says: /string, list, or map, not number/ },
  { text: "headers[1] == 'a'", code: "E212", at: "1:9" },
  { text: "status.code == 1", code: "E213", at: "1:8" },
  { text: "text[0] == 'a'", code: "E213", at: "1:6" },
  { text: "body.exists(1, true)", code: "E214", at: "1:13" },
  { text: "body.exists(x, changed(x))", code: "E215", at: "1:16" },
  { text: "body == {1 : 2}", code: "E216", at: "1:10" },
  { text: "ok for 0s", code: "E301", at: "1:8" },
  { text: "ok for 10001 polls", code: "E301", at: "1:8" },
  { text: "ok at most 0 per 1h", code: "E301", at: "1:12" },
  { text: "ok at most 1.5 per 1h", code: "E301", at: "1:12" },
  { text: "avg(status, 0s) > 1", code: "E301", at: "1:13" },
  { text: "status > 1e999", code: "E301", at: "1:10" },
  { text: "ok keep 99999999w", code: "E301", at: "1:9" },
  { text: "ok between 09:00 and 09:00", code: "E302", at: "1:4" },
  { text: "avg(status, 25h) > 1", code: "E303", at: "1:13" },
  { text: "prev(status, 10001) > 1", code: "E303", at: "1:14" },
  { text: `ok ${"#".repeat(4096)}`, code: "E304", at: "1:1" },
  { text: `ok${" and ok".repeat(512)}`, code: "E305", at: "1:1" },
  { text: `${"(".repeat(33)}ok${")".repeat(33)}`, code: "E306", at: "1:33" },
  { text: Array.from({ length: 9 }, () => "changed(ok)").join(" or "), code: "E307", at: "1:121" },
  { text: "latnecy > 1s", code: "E401", at: "1:1", says: /did you mean latency/ },
  { text: "stdout == ''", code: "E401", at: "1:1" },
  { text: 'ok then wake "a\\n{{latnecy}}"', code: "E401", at: "1:20" },
  { text: "lenght(text) > 1", code: "E402", at: "1:1", says: /functions are/ },
  { text: "text.trimm() == ''", code: "E402", at: "1:6", says: /did you mean trim/ },
  { text: "tls.expires < 1d", code: "E403", at: "1:5", says: /did you mean expiresIn/ },
  {
    text: "user.nmae == 'a'",
    code: "E403",
    at: "1:6",
    source: "custom",
    schema: object({ user: object({ name: { type: "string" } }) }),
  },
];

for (const { text, code, at, says, source = "httpPoll", schema } of wrong) {
  test(`${code} at ${at}: ${text.length > 60 ? `${text.slice(0, 60)}...` : text}`, () => {
    const { ok, errors } = checkTrigger(text, { source, schema });
    const [first] = errors;
    assert.equal(ok, false);
    assert.ok(first !== undefined);
    assert.equal(`${first.code} ${first.line}:${first.column}`, `${code} ${at}`, first.message);
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.match(`${first.message}; ${first.hint}`, says ?? /./);
    assert.match(first.message, /[^.]$/);
  });
}

test("every code of the table can come", () => {
  const seen = new Set<string>(wrong.map(({ code }) => code));
  // These two stand in the conformance set alone.
  for (const code of ["E103", "E207"]) seen.add(code);
  assert.deepEqual(
    Object.keys(problemTitles).filter((code) => !seen.has(code)),
    [],
  );
});

const right: readonly {
  readonly text: string;
  readonly source?: Source;
  readonly schema?: unknown;
}[] = [
  { text: `${"(".repeat(32)}ok${")".repeat(32)}` },
  { text: `${"!".repeat(32)}ok` },
  { text: `ok${" and ok".repeat(500)}` },
  { text: Array.from({ length: 8 }, () => "changed(ok)").join(" or ") },
  { text: "avg(status, 24h) > 1 and avg(status, 10000 polls) > 1" },
  { text: "ok # and nothing else\n  then silent" },
  { text: "poll > 3 and poll != 7 every poll" },
  { text: "prev == value and now - timestamp('2026-01-01') > 3d" },
  { text: "tls.expiresIn < 2w and error.code == 'ETIMEDOUT'" },
  { text: "headers.`content-type` contains 'json'" },
  { text: "status == 200 ? latency > 1s : size(text) > 5KB" },
  {
    text: "event in ['add', 'unlink'] and lines.exists(l, l contains 'ERROR')",
    source: "fileWatch",
  },
  { text: "rss > 500MiB and cpu > 0.9 for 3 of 5 polls", source: "process" },
  { text: "duration > 5s or timedOut or exit != 0", source: "command" },
  { text: "ttl < 5m and value.x == 1 and type == 'json'", source: "kvWatch" },
  { text: "not open and not (banner startsWith 'SSH')", source: "tcpProbe" },
  {
    text: "items.map(i, i.n).all(n, n > 1) and more.x",
    source: "custom",
    schema: object({
      items: { type: "array", items: object({ n: { type: "integer" } }) },
      more: object({}, { additionalProperties: true }),
    }),
  },
];

for (const { text, source = "httpPoll", schema } of right) {
  test(`passes: ${text.length > 60 ? `${text.slice(0, 60)}...` : text}`, () => {
    assert.deepEqual(checkTrigger(text, { source, schema }).errors, []);
  });
}

test("several mistakes are told together, in the order of the text", () => {
  const syntax = checkTrigger("statsu > then wake cooldown 5 at most x per 3", {
    source: "httpPoll",
  });
  assert.ok(syntax.errors.length >= 2, JSON.stringify(syntax.errors));
  const { errors } = checkTrigger("statsu > 1 and latency > 5 and size(1) > 2 for 0s", {
    source: "httpPoll",
  });
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["E401", "E202", "E212", "E301"],
  );
});

test("a frame shows the line with carets under the place", () => {
  const [first] = checkTrigger("status >= 500\n  and latnecy > 1s", { source: "httpPoll" }).errors;
  assert.deepEqual(first?.frame, ["  and latnecy > 1s", "      ^^^^^^^"]);
});

test("an unknown time zone of the manifest is told at the window", () => {
  const { errors } = checkTrigger("ok between 09:00 and 17:00", {
    source: "httpPoll",
    zone: "Mars/Base",
  });
  assert.deepEqual(
    errors.map(({ code, column }) => [code, column]),
    [["E207", 4]],
  );
});

test("every function has a doc of one line and a signature, and is found by its name", () => {
  for (const [name, { doc, params }] of Object.entries(triggerFunctions)) {
    assert.match(doc, /^[a-zA-Z].*[^.]$/, name);
    assert.ok(signatureOf(name).startsWith(`${name}(`));
    assert.equal(functionOf(name.replace(".", ""), params.length)?.doc, doc, name);
  }
});

test("explain prints the tree with its types", () => {
  assert.deepEqual(
    explainTrigger("avg(latency, 5m) > 1s and not ok clear when ok", { source: "httpPoll" }),
    [
      "avg(latency, 5m) > 1s and not ok: bool",
      "  avg(latency, 5m) > 1s: bool",
      "    avg(latency, 5m): duration",
      "      latency: duration",
      "  not ok: bool",
      "    ok: bool",
      "clear when ok: bool",
    ],
  );
  assert.deepEqual(
    explainTrigger("body.all(each, each > redirects) followed by ok within 5m", {
      source: "httpPoll",
    }),
    [
      "body.all(each, each > redirects): bool",
      "  body: dyn",
      "  each > redirects: bool",
      "    each: dyn",
      "    redirects: number",
      "followed by ok: bool",
    ],
  );
});
