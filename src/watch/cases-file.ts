import type { JsonObject, JsonPath } from "../lib/json.ts";
import { durationMs } from "../lib/quantities.ts";
import { compileSchema } from "../lib/schema.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import { readDocument, textFault } from "../manifest/documents.ts";
import type { Fault } from "../manifest/fault.ts";
import { parseDocuments } from "../manifest/parse.ts";
import { type Locator, locatorOf, place } from "../manifest/place.ts";
import type { SourceText } from "../manifest/source-text.ts";
import { durationText } from "../trigger/literals.ts";
import type { Expectation, ReplayPoll } from "./cases.ts";
import { offsetOf, pollsOf, type Sampled } from "./cases-samples.ts";
import { casesSchema } from "./cases-schema.ts";

/** One case of a file: samples, and what is to come of them. */
export interface WatchCase {
  readonly name: string;
  readonly startMs: number;
  readonly polls: readonly ReplayPoll[];
  readonly expected: readonly Expectation[];
  /** Where it stands, and each of its expectations: `cases.yaml:3:5`. */
  readonly place: string;
  readonly expectedPlaces: readonly string[];
}

/** The cases of a file; none when something is wrong with it. */
export interface CasesFile {
  readonly cases: readonly WatchCase[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface CasesOptions extends Sampled {
  /** The interval of the watcher, between samples that do not tell their moment. */
  readonly interval: string;
}

/** When a case begins that does not say it. */
const START_MS = Date.UTC(2026, 0, 1);

/** The cases as they are written; valid against the schema. */
interface WrittenCase {
  readonly name: string;
  readonly every?: string;
  readonly start?: string;
  readonly samples: readonly JsonObject[];
  readonly expect?: readonly (Omit<Expectation, "offsetMs"> & { readonly at: string })[];
}

/** Something that is wrong below a path of the file. */
interface Slip {
  readonly path: JsonPath;
  readonly part: "key" | "value";
  readonly message: string;
  readonly hint: string;
}

/** Reads a file of cases: YAML or JSON. Everything that is wrong is told with its place. */
export async function readCases(source: SourceText, options: CasesOptions): Promise<CasesFile> {
  const file = source.shown;
  const locator = locatorOf(new Map([[file, source]]));
  const told = (faults: readonly Fault[]): CasesFile => ({
    cases: [],
    diagnostics: faults.map((fault) => place(fault, locator, (text) => text)),
  });
  const documents = [...parseDocuments(source.text)]
    .filter((parsed) => parsed !== undefined)
    .map(readDocument);
  const broken = documents.flatMap(({ faults }, index) =>
    faults.map((fault) => textFault(fault, { file, shown: file }, index)),
  );
  if (broken.length > 0) return told(broken);
  const value = documents[0]?.json ?? null;
  const validate = await compileSchema(casesSchema, { isOwn: true });
  const slips: Slip[] = validate(value).map(({ path, kind, message, hint }) => ({
    ...{ path, message: `${titleOf(path, kind)}${message}`, hint },
    part: kind === "unknown" || kind === "missing" ? "key" : "value",
  }));
  if (slips.length > 0) return told(slips.map((slip) => faultOf(slip, file)));
  const { cases: written } = value as unknown as { readonly cases: readonly WrittenCase[] };
  const read = written.map((each, index) => caseOf(each, index, options, file, locator));
  const wrong = read.flatMap((each) => each.slips);
  return wrong.length > 0
    ? told(wrong.map((slip) => faultOf(slip, file)))
    : { cases: read.map(({ watchCase }) => watchCase), diagnostics: [] };
}

function titleOf(path: JsonPath, kind: string): string {
  const at = kind === "unknown" ? path.slice(0, -1) : path;
  const steps = at.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
  if (kind === "unknown") return "";
  return steps === "" ? "a file of cases " : `${steps.replace(/^\./, "")} `;
}

function faultOf({ path, part, message, hint }: Slip, file: string): Fault {
  const spot = { document: 0, path, part };
  return {
    ...{ severity: "error", code: "LEG7332", summary: message, detail: hint, spot },
    ...{ file, shown: file },
  };
}

function caseOf(
  written: WrittenCase,
  index: number,
  { source, roots, interval }: CasesOptions,
  file: string,
  locator: Locator,
): { readonly watchCase: WatchCase; readonly slips: readonly Slip[] } {
  const { name, every = interval, start, samples, expect = [] } = written;
  const path = ["cases", index];
  const slips: Slip[] = [];
  const sinceEpoch = start === undefined ? START_MS : offsetOf(start, 0);
  // A length of time is an offset too; as a start it would be in 1970.
  const isMoment = start === undefined || /^\d{4}-/.test(start);
  if (sinceEpoch === undefined || !isMoment)
    slips.push({
      ...{ path: [...path, "start"], part: "value" },
      message: `start is no moment: "${start}"`,
      hint: "write it as 2026-01-01T09:00:00Z, with its zone",
    });
  const startMs = sinceEpoch ?? START_MS;
  const { polls, faults } = pollsOf(
    samples,
    { source, roots },
    { startMs, everyMs: durationMs(every) },
  );
  slips.push(
    ...faults.map(({ index: at, field, isName = false, message, hint }) => {
      const sample = [...path, "samples", at];
      return {
        path: field === undefined ? sample : [...sample, field],
        part: isName ? ("key" as const) : ("value" as const),
        ...{ message, hint },
      };
    }),
  );
  const expected = expect.map(({ at, ...rest }, number) => {
    const offsetMs = offsetOf(at, startMs) ?? Number.NaN;
    const slip = faults.length === 0 ? noPoll(at, offsetMs, polls) : undefined;
    if (slip !== undefined)
      slips.push({ path: [...path, "expect", number, "at"], part: "value", ...slip });
    return { offsetMs, ...rest };
  });
  const where = (below: JsonPath, part: "key" | "value") =>
    locator.where(file, { document: 0, path: [...path, ...below], part });
  const watchCase = {
    ...{ name, startMs, polls, expected },
    place: where(["name"], "key"),
    expectedPlaces: expect.map((_, number) => where(["expect", number], "value")),
  };
  return { watchCase, slips };
}

/** How many moments of polls a message lists. */
const MOMENTS_SHOWN = 8;

function noPoll(
  at: string,
  offsetMs: number,
  polls: readonly ReplayPoll[],
): Pick<Slip, "message" | "hint"> | undefined {
  if (Number.isNaN(offsetMs))
    return {
      message: `at is no moment: "${at}"`,
      hint: "write 90s after the start, or 2026-01-01T09:00:00Z",
    };
  if (polls.some((poll) => poll.offsetMs === offsetMs)) return undefined;
  const near = polls
    .toSorted((a, b) => Math.abs(a.offsetMs - offsetMs) - Math.abs(b.offsetMs - offsetMs))
    .slice(0, MOMENTS_SHOWN)
    .toSorted((a, b) => a.offsetMs - b.offsetMs)
    .map((poll) => durationText(poll.offsetMs));
  return { message: `there is no poll at ${at}`, hint: `there are polls at ${near.join(", ")}` };
}
