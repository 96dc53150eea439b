/** The types of the checker. `any` of a table of functions is no type; data of unknown shape is `dyn`. */
export type Type =
  | "number"
  | "string"
  | "bool"
  | "null"
  | "duration"
  | "timestamp"
  | "dyn"
  | ListType
  | MapType
  | EnumType;

export interface ListType {
  readonly kind: "list";
  readonly item: Type;
}
/** A map of values of one type, or one whose fields are known. */
export interface MapType {
  readonly kind: "map";
  readonly item: Type;
  readonly fields?: Readonly<Record<string, Type>>;
}
/** A string that is one of a few. */
export interface EnumType {
  readonly kind: "enum";
  readonly values: readonly string[];
}

export type TypeName =
  | "number"
  | "string"
  | "bool"
  | "null"
  | "duration"
  | "timestamp"
  | "dyn"
  | "list"
  | "map";

export function listOf(item: Type): ListType {
  return { kind: "list", item };
}

export function mapOf(item: Type): MapType {
  return { kind: "map", item };
}

export function record(fields: Readonly<Record<string, Type>>): MapType {
  return { kind: "map", item: "dyn", fields };
}

export function oneOf(...values: readonly string[]): EnumType {
  return { kind: "enum", values };
}

/** The plain name of a type: an enumeration is a string. */
export function nameOf(type: Type): TypeName {
  if (typeof type === "string") return type;
  return type.kind === "enum" ? "string" : type.kind;
}

/** A type as people read it. */
export function typeText(type: Type): string {
  if (typeof type === "string") return type;
  if (type.kind === "enum") return "string";
  if (type.kind === "list") return type.item === "dyn" ? "list" : `list of ${typeText(type.item)}`;
  if (type.fields !== undefined)
    return `{${Object.entries(type.fields)
      .map(([name, field]) => `${name}: ${typeText(field)}`)
      .join(", ")}}`;
  return type.item === "dyn" ? "map" : `map of ${typeText(type.item)}`;
}

/** The type of a value that is one or the other. */
export function joined(a: Type, b: Type): Type {
  if (a === b) return a;
  if (a === "null") return b;
  if (b === "null") return a;
  const name = nameOf(a);
  if (name !== nameOf(b)) return "dyn";
  if (name === "list" || name === "map")
    return name === "list" ? listOf(itemOf(a, b)) : mapOf(itemOf(a, b));
  return name;
}

function itemOf(a: Type, b: Type): Type {
  return typeof a === "object" &&
    typeof b === "object" &&
    "item" in a &&
    "item" in b &&
    !hasFields(a) &&
    !hasFields(b)
    ? joined(a.item, b.item)
    : "dyn";
}

function hasFields(type: Type): boolean {
  return typeof type === "object" && type.kind === "map" && type.fields !== undefined;
}
