import { suggest } from "../lib/suggest.ts";
import type { GuestSurface } from "./contract.ts";

const NO_MODULES =
  "there are no modules here; all there is are the functions of `tools` and plain JavaScript";
const NO_TIMERS =
  "there are no timers here; await the call of a tool, and let the host do the waiting";

/** Names of other runtimes that models reach for. */
const ABSENT: Readonly<Record<string, string>> = {
  fetch: "there is no network here; call a tool that fetches, if `tools` has one",
  XMLHttpRequest: "there is no network here; call a tool that fetches, if `tools` has one",
  WebSocket: "there is no network here; call a tool that fetches, if `tools` has one",
  require: NO_MODULES,
  module: NO_MODULES,
  exports: NO_MODULES,
  setTimeout: NO_TIMERS,
  setInterval: NO_TIMERS,
  setImmediate: NO_TIMERS,
  process:
    "there is no process here: no environment, no arguments, no exit; end with a value or a return",
  Deno: "this is neither Deno nor Node nor Bun; use the functions of `tools`",
  Bun: "this is neither Deno nor Node nor Bun; use the functions of `tools`",
  fs: "there are no files here except by a tool, if `tools` has one",
  Buffer: "there is no Buffer here; use text, or Uint8Array",
  window: "this is no browser; globals are on globalThis",
  document: "this is no browser; there is no page to change",
  alert: "this is no browser; use console.log, or return a value",
  URL: "there is no URL class here; take the text apart with split or a regular expression",
  TextEncoder: "there is no TextEncoder here; use text and charCodeAt",
  TextDecoder: "there is no TextDecoder here; use text and String.fromCharCode",
  structuredClone: "there is no structuredClone here; use JSON.parse(JSON.stringify(value))",
  SharedArrayBuffer: "there is no shared memory here; use ArrayBuffer",
  WebAssembly: "there is no WebAssembly here; write it in JavaScript",
  Worker: "there are no threads here; await several calls with Promise.all",
  crypto: "there is no crypto here; call a tool, if `tools` has one",
};

/** The next step after an error that the code threw. `known` are the names that the code can use. */
export function hintFor(name: string, message: string, known: readonly string[]): string {
  const missing =
    name === "ReferenceError" ? /^'?([\w$]+)'? is not defined$/.exec(message)?.[1] : undefined;
  if (missing !== undefined) return absentHint(missing, known);
  if (message.startsWith("could not load module")) return NO_MODULES;
  if (name === "SyntaxError" && /import|export/.test(message)) return NO_MODULES;
  if (name === "TypeError" && message === "not a function")
    return "the value that is called there is not a function; check its name and what it holds";
  if (name === "TypeError" && message.startsWith("cannot read property"))
    return "the value before the dot is missing; check for it, or use ?.";
  return "correct the code at that place, or catch the error";
}

function absentHint(name: string, known: readonly string[]): string {
  const absent = Object.hasOwn(ABSENT, name) ? ABSENT[name] : undefined;
  if (absent !== undefined) return absent;
  const meant = suggest(name, known);
  return meant === undefined
    ? `nothing is named "${name}" here; declare it first`
    : `did you mean "${meant}"?`;
}

/** The next step for somebody who used a name of `tools` that does not exist; `path` is `tools.fils` or `tools.files.raed`. */
export function missingHint(path: string, { tools }: GuestSurface): string {
  const [, namespace = "", name] = path.split(".");
  const functions = Object.hasOwn(tools, namespace) ? tools[namespace] : undefined;
  if (name !== undefined && functions !== undefined)
    return didYouMean(name, functions, `tools.${namespace}`);
  const namespaces = Object.keys(tools);
  const owner = namespaces.find((candidate) => tools[candidate]?.includes(namespace));
  if (owner !== undefined) return `it is tools.${owner}.${namespace}`;
  return didYouMean(namespace, namespaces, "tools");
}

function didYouMean(name: string, known: readonly string[], path: string): string {
  if (known.length === 0) return `${path} is empty: there are no tools`;
  const meant = suggest(name, known);
  const all = `${path} has: ${known.toSorted().join(", ")}`;
  return meant === undefined ? all : `did you mean ${path}.${meant}? ${all}`;
}
