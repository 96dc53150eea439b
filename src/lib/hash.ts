import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Json } from "./json.ts";

/** SHA-256, hexadecimal, of a JSON value in its canonical form (RFC 8785): key order and spacing do not count. */
export function canonicalHash(value: Json): string {
  return textHash(canonicalText(value));
}

/** A JSON value in its canonical form. */
export function canonicalText(value: Json): string {
  return canonicalize(value) ?? "null";
}

/** SHA-256, hexadecimal, of the bytes. */
export function textHash(content: string | Uint8Array): string {
  return hash("sha256", content);
}
