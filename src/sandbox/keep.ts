import { byteLength } from "../lib/text.ts";
import { capturedName } from "./captured.ts";
import type { Binding, Snapshot } from "./contract.ts";
import type { Failed, Instance } from "./instance.ts";

/** What became of the model's variables at the end of an evaluation. */
export type Kept =
  | {
      readonly type: "kept";
      readonly bindings: readonly Binding[];
      readonly skipped: readonly { readonly name: string; readonly reason: string }[];
      readonly snapshot: Snapshot;
      /** Built-in objects were changed: the instance has to be replaced, the variables can stay. */
      readonly isTampered: boolean;
    }
  | { readonly type: "too large"; readonly largest: string }
  | { readonly type: "failed"; readonly failed: Failed };

/** Writes the variables as a snapshot. One that cannot be kept is skipped with the reason; that is no failure. */
export function keepBindings(instance: Instance, bytesMax: number): Kept {
  const bindings: Binding[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const parts: string[] = [];
  let bytes = 0;
  const tampered = tamperedWith(instance);
  if (typeof tampered !== "string") return { type: "failed", failed: tampered };
  if (tampered !== "")
    skipped.push({ name: tampered, reason: "built-in objects are put back after each evaluation" });
  const listed = instance.ask("bindingNames");
  if (listed.type !== "text") return { type: "failed", failed: listed };
  const names = JSON.parse(listed.text ?? "[]") as string[];
  const known = new Set([...names, ...instance.ownNames]);
  for (const name of names) {
    const encoded = instance.ask("encodeBinding", name, bytesMax);
    if (encoded.type === "broken") return { type: "failed", failed: encoded };
    if (encoded.type === "thrown") {
      if (!isReason(encoded)) return { type: "failed", failed: encoded };
      skipped.push({ name, reason: encoded.thrown.message });
      continue;
    }
    if (encoded.text === undefined || encoded.text === "")
      return { type: "too large", largest: name };
    const [type = "", sources = "[]", text = ""] = splitLines(encoded.text);
    const captured = capturedName(JSON.parse(sources) as string[], known);
    if (captured !== undefined) {
      skipped.push({
        name,
        reason: `its function uses "${captured}", a variable of the function around it, which cannot be kept`,
      });
      continue;
    }
    const size = byteLength(text);
    bytes += size;
    bindings.push({ name, type, bytes: size });
    if (bytes > bytesMax) return { type: "too large", largest: largestOf(bindings) };
    parts.push(`${JSON.stringify(name)}:${text}`);
  }
  return {
    type: "kept",
    bindings,
    skipped,
    snapshot: `{${parts.join(",")}}`,
    isTampered: tampered !== "",
  };
}

/** A TypeError of Legion's part of the guest says why a value cannot be kept; memory and time that ran out are failures. */
function isReason({ thrown }: Extract<Failed, { type: "thrown" }>): boolean {
  return thrown.name !== "InternalError" && thrown.name !== "";
}

function tamperedWith(instance: Instance): string | Failed {
  for (const question of ["replacedGlobal", "changedOriginal"] as const) {
    const answer = instance.ask(question);
    if (answer.type !== "text") return answer;
    if (answer.text !== undefined && answer.text !== "") return answer.text;
  }
  return "";
}

function splitLines(text: string): string[] {
  const first = text.indexOf("\n");
  const second = text.indexOf("\n", first + 1);
  return [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)];
}

function largestOf(bindings: readonly Binding[]): string {
  return bindings.toSorted((a, b) => b.bytes - a.bytes)[0]?.name ?? "";
}
