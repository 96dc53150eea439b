const identifier = /^[A-Za-z_$][\w$]*$/;

/** A value as JSON that stays on its line: two of the characters that JSON leaves as they are end lines. */
export function inLine(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** A name as a key of an object or a type: `path`, `"content-type"`. */
export function keyName(name: string): string {
  return identifier.test(name) ? name : inLine(name);
}

/** How code says a function: `tools.files.read`, `tools["3d"].print`. */
export function pathInCode(as: string, name: string): string {
  return [
    "tools",
    ...[as, name].map((part) => (identifier.test(part) ? `.${part}` : `[${inLine(part)}]`)),
  ].join("");
}
