import assert from "node:assert/strict";
import type { Json } from "../lib/json.ts";
import type {
  Evaluation,
  EvaluationErrorName,
  GuestSurface,
  Host,
  Sandbox,
  SandboxLimits,
} from "./contract.ts";

/** For tests and measurements: the limits of a manifest, with a deadline that a test can wait for. */
export const testLimits: SandboxLimits = {
  timeoutMs: 200,
  memoryBytes: 64 * 1024 * 1024,
  maxToolCalls: 1000,
  maxResultBytes: 1024 * 1024,
  maxLogBytes: 64 * 1024,
  maxBindingsBytes: 1024 * 1024,
  isolation: "shared",
};

export const testSurface: GuestSurface = {
  tools: { files: ["read", "list"], web: ["get"] },
  functions: ["help", "search"],
};

/** Answers every call with what was asked. */
export const echo: Host = async (name, argument) => ({
  ok: true,
  value: { name, argument: argument ?? null },
});

/** The value of an evaluation that has to succeed. */
export function resultOf(evaluation: Evaluation): Json | undefined {
  assert.ok(
    evaluation.ok,
    evaluation.ok ? "" : `${evaluation.error.name}: ${evaluation.error.message}`,
  );
  return evaluation.value;
}

/** The error of an evaluation that has to fail with it. */
export function errorIn(evaluation: Evaluation, ...names: readonly EvaluationErrorName[]) {
  assert.ok(!evaluation.ok, "the evaluation succeeded");
  assert.ok(
    names.includes(evaluation.error.name),
    `${evaluation.error.name}: ${evaluation.error.message}`,
  );
  return evaluation.error;
}

/** Longer than a machine that is busy takes over what has to succeed. */
const PATIENCE_MS = 10_000;

/** The value of code that has to succeed, however busy the machine is. */
export async function valueFrom(sandbox: Sandbox, code: string): Promise<Json | undefined> {
  return resultOf(await sandbox.evaluate(code, { host: echo, timeoutMs: PATIENCE_MS }));
}

/** Evaluates with the echo host. */
export function evaluate(sandbox: Sandbox, code: string): Promise<Evaluation> {
  return sandbox.evaluate(code, { host: echo });
}
