// Goal: the error of a tool that nothing caught keeps its own code, so that the reader finds its page; other errors do not choose theirs.
// Method: real sandboxes; a table of what the host answers or the code throws.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ErrorCode } from "../lib/codes.ts";
import type { Host, HostError } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { errorIn, testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool();
after(() => pool.close());

const CALL = "await tools.files.read({})";
const denied = { name: "ToolError", message: "no", hint: "ask" };
const rows: readonly {
  readonly name: string;
  readonly answer?: HostError;
  readonly code?: string;
  readonly want: ErrorCode;
}[] = [
  {
    name: "a tool's error keeps its code",
    answer: { ...denied, code: "LEG4020" },
    want: "LEG4020",
  },
  {
    name: "so does one that the code caught and threw again",
    answer: { ...denied, code: "LEG4006" },
    code: `try { ${CALL} } catch (error) { throw error }`,
    want: "LEG4006",
  },
  {
    name: "so does one of several calls at once",
    answer: { ...denied, code: "LEG4006" },
    code: "await Promise.all([1, 2].map(() => tools.files.read({})))",
    want: "LEG4006",
  },
  { name: "a tool's error without a code is one of the code", answer: denied, want: "LEG3002" },
  {
    name: "a code that is not in the table is none",
    answer: { ...denied, code: "E_DENIED" },
    want: "LEG3002",
  },
  {
    name: "the name of something that every object has is none",
    answer: { ...denied, code: "constructor" },
    want: "LEG3002",
  },
  {
    name: "an error of another name is one of the code, whatever code it carries",
    code: "throw Object.assign(new Error('no'), { code: 'LEG4020' })",
    want: "LEG3002",
  },
];

for (const { name, answer = denied, code = CALL, want } of rows) {
  test(name, async () => {
    const sandbox = await pool.open(testLimits, testSurface);
    const host: Host = async () => ({ ok: false, error: answer });
    const error = errorIn(
      await sandbox.evaluate(`const x = 1;\n${code}`, { host }),
      "RuntimeError",
    );
    assert.equal(error.code, want);
    assert.deepEqual([error.message.endsWith("no"), error.line], [true, 2]);
    await sandbox.close();
  });
}
