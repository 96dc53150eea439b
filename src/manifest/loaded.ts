import type { Json } from "../lib/json.ts";
import type { Kind, ManifestObject, ObjectSource } from "./objects.ts";

/** A document that was read, valid or not. */
export interface LoadedDocument {
  readonly source: ObjectSource;
  /** As it is written, before variables were replaced. */
  readonly written: Json;
  /** With its variables replaced. Without variables it is `written` itself. */
  readonly value: Json;
  /** The variables that were replaced in it, with their values. */
  readonly variables: ReadonlyMap<string, string>;
  /** Whether it is the same in every environment. */
  readonly isFixed: boolean;
  /** Whether it is known already that nothing is wrong with it by itself. */
  readonly isSound: boolean;
  /** What it declares, as far as that can be told. */
  readonly declares?: Declared;
  /** The object; absent when its fields are not valid. */
  readonly object?: ManifestObject;
}

/** Who an object is. */
export interface Declared {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** The namespace of an object that names none. */
export const DEFAULT_NAMESPACE = "default";

/** The identity of an object within a set. */
export function keyOf({ kind, namespace, name }: Declared): string {
  return `${kind}/${namespace}/${name}`;
}
