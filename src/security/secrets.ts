import { dirname, resolve } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { SecretSource, ValueFrom } from "../manifest/generated/provider.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { shownFile } from "./confine.ts";
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
  /** The value. Throws LEG5050 when no place has one, LEG5051 to LEG5053 for one that cannot be used, LEG5040 when the signal ended a program. */
  resolve(reference: SecretReference, place: SecretPlace, signal: AbortSignal): Promise<string>;
  /** The error that `resolve` would throw, when that is plain without reading a file or running a program: only variables, none set. */
  missing(reference: SecretReference, place: SecretPlace): LegionError | undefined;
  /** Lets the redactor know the values of variables that objects refer to, before they are first used. */
  know(objects: Pick<ManifestSet, "all">): void;
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
    signal: AbortSignal,
  ): Promise<string> {
    const key = JSON.stringify([object.source.file, argv]);
    const known = outputs.get(key);
    if (known !== undefined && clock.monotonic() < known.untilMs) return known.value;
    const value = await runSecretProgram(object.source, argv, field, { env, signal });
    outputs.set(key, { value, untilMs: clock.monotonic() + PROGRAM_VALUE_MS });
    return value;
  }

  async function look(
    source: SecretSource,
    place: SecretPlace,
    field: string,
    signal: AbortSignal,
  ): Promise<string | Absence> {
    // An empty value is no value: CI systems set variables of missing secrets to "".
    if (source.env !== undefined) return env[source.env] || unset(source.env);
    if (source.file !== undefined) {
      const from = place.object.source;
      const text = await readSecretFile(from, source.file, field);
      return text || noText(source.file, shownFile(from, source.file), text !== undefined);
    }
    const { exec = [] } = source;
    return (await program(exec, place, field, signal)) || silent(exec);
  }

  return {
    redactor,
    know(objects) {
      for (const { env: name } of placesOf(objects).map(({ place }) => place)) {
        const value = name === undefined ? undefined : env[name];
        if (value) redactor.add(value);
      }
    },
    async resolve(reference, place, signal) {
      const field = fieldOf(place);
      const absences: Absence[] = [];
      for (const source of sourcesOf(reference)) {
        const value = await look(source, place, field, signal);
        if (typeof value !== "string") {
          absences.push(value);
          continue;
        }
        redactor.add(value);
        if (hasControl(value)) throw notInHeader(field);
        return value;
      }
      throw unresolved(absences, field);
    },
    missing(reference, place) {
      const sources = sourcesOf(reference);
      const absences = sources.flatMap(({ env: name }) =>
        name === undefined || env[name] ? [] : [unset(name)],
      );
      return absences.length === sources.length ? unresolved(absences, fieldOf(place)) : undefined;
    },
  };
}

/** A place without a value: what is the matter with it, and the step that gives it one. */
interface Absence {
  readonly what: string;
  readonly step: string;
}

function unset(variable: string): Absence {
  return { what: `the variable ${variable} is not set`, step: `set ${variable}` };
}

function noText(path: string, shown: string, exists: boolean): Absence {
  return exists
    ? { what: `the file "${path}" is empty`, step: `write the secret to ${shown}` }
    : {
        what: `the file "${path}" does not exist`,
        step: `write the secret to ${shown}, with mode 0600`,
      };
}

function silent([program]: readonly string[]): Absence {
  return {
    what: `the program "${program}" wrote nothing`,
    step: `make "${program}" write the secret`,
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

function unresolved(absences: readonly Absence[], field: string): LegionError {
  return new LegionError({
    code: "LEG5050",
    message: `no secret for ${field}: ${absences.map(({ what }) => what).join(", ")}`,
    hint: absences.map(({ step }) => step).join(", or "),
  });
}

/** Absolute paths of the files that hold secrets of these objects; nobody else is to read them. */
export function secretFiles(objects: Pick<ManifestSet, "all">): string[] {
  return placesOf(objects).flatMap(({ place: { file }, object }) =>
    file === undefined ? [] : [resolve(dirname(object.source.file), file)],
  );
}

/** Every place that a secret of these objects may come from. */
function placesOf(objects: Pick<ManifestSet, "all">) {
  const referring = [
    ...objects.all("Provider").map((object) => ({ object, own: [object.spec.apiKey] })),
    ...objects.all("Watcher").map((object) => ({ object, own: [] })),
  ];
  return referring.flatMap(({ object, own }) => {
    const values = [...own, ...Object.values(object.spec.headers ?? {})];
    const places = values.flatMap((value) =>
      typeof value === "object" ? [value.valueFrom].flat() : [],
    );
    return places.map((place) => ({ place, object }));
  });
}
