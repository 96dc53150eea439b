import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { SecretSource, ValueFrom } from "../manifest/generated/provider.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { createRedactor, type Redactor } from "./redact.ts";
import { readSecretFile } from "./secret-file.ts";
import { runSecretProgram } from "./secret-program.ts";

/** What `valueFrom` holds: one place, or several that are tried in order. */
export type SecretReference = ValueFrom["valueFrom"];

/** Which field of which object refers to the secret. */
export interface SecretPlace {
  readonly object: Pick<ManifestObject, "kind" | "name" | "source">;
  /** As people write it: `spec.apiKey`. */
  readonly field: string;
}

/** Secrets by reference: read where they are needed, kept in no file, known to the redactor from then on. */
export interface Secrets {
  /** The value. Throws LEG5050 when no place has one, LEG5051 to LEG5053 for one that cannot be used. */
  resolve(reference: SecretReference, place: SecretPlace): Promise<string>;
  /** The error that `resolve` would throw, when that is plain without reading a file or running a program: only variables, none set. */
  missing(reference: SecretReference, place: SecretPlace): LegionError | undefined;
  readonly redactor: Redactor;
}

export interface SecretsDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** For how long the output of a program is kept in memory: an agent's steps do not each run it. */
const PROGRAM_VALUE_MS = 60_000;

/** Secrets from these variables, and from files and programs that manifests name. */
export function createSecrets({ env, clock }: SecretsDeps): Secrets {
  const redactor = createRedactor();
  const outputs = new Map<string, { readonly value: string; readonly untilMs: number }>();

  async function program(
    argv: readonly string[],
    { object }: SecretPlace,
    field: string,
  ): Promise<string> {
    const key = JSON.stringify([object.source.file, argv]);
    const known = outputs.get(key);
    if (known !== undefined && clock.monotonic() < known.untilMs) return known.value;
    const value = await runSecretProgram(object.source, argv, field, { env });
    outputs.set(key, { value, untilMs: clock.monotonic() + PROGRAM_VALUE_MS });
    return value;
  }

  async function read(
    source: SecretSource,
    place: SecretPlace,
    field: string,
  ): Promise<string | undefined> {
    if (source.env !== undefined) return env[source.env];
    if (source.file !== undefined) return readSecretFile(place.object.source, source.file, field);
    if (source.exec !== undefined) return program(source.exec, place, field);
    return undefined;
  }

  return {
    redactor,
    async resolve(reference, place) {
      const field = fieldOf(place);
      for (const source of sourcesOf(reference)) {
        const value = await read(source, place, field);
        // An empty value is no value: CI systems set variables of missing secrets to "".
        if (value === undefined || value === "") continue;
        redactor.add(value);
        if (hasControl(value)) throw notInHeader(field);
        return value;
      }
      throw unresolved(sourcesOf(reference), field);
    },
    missing(reference, place) {
      const sources = sourcesOf(reference);
      return sources.every((source) => source.env !== undefined && !env[source.env])
        ? unresolved(sources, fieldOf(place))
        : undefined;
    },
  };
}

function fieldOf({ object, field }: SecretPlace): string {
  return `${field} of ${object.kind.toLowerCase()}/${object.name}`;
}

function sourcesOf(reference: SecretReference): readonly SecretSource[] {
  return Array.isArray(reference) ? reference : [reference];
}

function hasControl(value: string): boolean {
  return [...value].some((character) => character < " " || character === "\x7f");
}

function notInHeader(field: string): LegionError {
  return new LegionError({
    code: "LEG5053",
    message: `the secret for ${field} holds a line break or another control character`,
    hint: "store the key alone, in one line",
  });
}

function unresolved(sources: readonly SecretSource[], field: string): LegionError {
  const variables = sources.flatMap(({ env }) => env ?? []);
  const files = sources.flatMap(({ file }) => file ?? []);
  const places = [
    ...variables.map((name) => `the variable ${name} is not set`),
    ...files.map((path) => `the file "${path}" is empty or not below the manifest root`),
    ...sources.flatMap(({ exec }) =>
      exec === undefined ? [] : [`the program "${exec[0]}" wrote nothing`],
    ),
  ];
  const steps = [
    ...variables.map((name) => `set ${name}`),
    ...files.map((path) => `write ${path}`),
  ];
  return new LegionError({
    code: "LEG5050",
    message: `no secret for ${field}: ${places.join(", ")}`,
    hint: steps.length > 0 ? steps.join(", or ") : "make the program write the secret",
  });
}
