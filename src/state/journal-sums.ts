import { textHash } from "../lib/hash.ts";

/** Hexadecimal digits of a sum: 128 bits of a SHA-256. */
const DIGITS = 32;

/** The checksum of what a record holds besides large texts, which come in by a sum of their own. */
export function fieldsSum(fields: readonly (string | number | null | undefined)[]): string {
  return contentSum(JSON.stringify(fields.map((field) => field ?? null)));
}

export function contentSum(content: string | Uint8Array): string {
  return textHash(content).slice(0, DIGITS);
}

/** A step as it is on disk. */
export interface StepRow {
  readonly run: string;
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
  /** Of the body, as it was written. */
  readonly bytes: number;
  /** JSON text. */
  readonly body: Uint8Array;
  /** The sum of the body, and the sum of that with everything else. */
  readonly sum: string;
}

/** Both sums of a step: with the second one intact, a body that is short can be told from one that was changed. */
export function stepSum(step: Omit<StepRow, "sum">): string {
  return headedSum(step, contentSum(step.body));
}

function headedSum({ run, seq, atMs, type, bytes }: Omit<StepRow, "sum">, body: string): string {
  return body + fieldsSum([run, seq, atMs, type, bytes, body]);
}

/** How a step stands to its sums. torn: it was written short, and nothing else is wrong with it. */
export function stepCondition(step: StepRow): "whole" | "torn" | "damaged" {
  const body = step.sum.slice(0, DIGITS);
  if (step.sum !== headedSum(step, body)) return "damaged";
  if (step.body.length < step.bytes) return "torn";
  return step.body.length === step.bytes && contentSum(step.body) === body ? "whole" : "damaged";
}
