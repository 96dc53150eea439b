// Goal: a function that cannot live without the variables around it is told from one that can.
// Method: a table of sources with the first captured name, none when there is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { capturedName } from "./captured.ts";

const globals = new Set(["Math", "rows", "console"]);
const rows = [
  { name: "only its own names", source: "(a, b) => a + b", want: undefined },
  { name: "globals", source: "function f() { return rows.map(Math.abs) }", want: undefined },
  { name: "a variable of the function around it", source: "() => count++", want: "count" },
  {
    name: "defaults, patterns and rest are its own",
    source: "({ a, b: [c] }, d = a, ...e) => a + c + d + e",
    want: undefined,
  },
  { name: "a captured name in a default", source: "(a = outside) => a", want: "outside" },
  {
    name: "properties and labels are no variables",
    source: "(a) => { go: for (;;) { a.b.c; ({ d: 1 }); break go } }",
    want: undefined,
  },
  { name: "computed keys are", source: "(a) => a[key]", want: "key" },
  { name: "a method", source: "add(x) { this.n += x }", want: undefined },
  {
    name: "recursion by its own name",
    source: "function f(n) { return n && f(n - 1) }",
    want: undefined,
  },
  { name: "a class over a captured class", source: "class A extends B {}", want: "B" },
  { name: "typeof asks, it does not use", source: "() => typeof window", want: undefined },
  {
    name: "a caught error is its own",
    source: "() => { try { rows() } catch (error) { console.log(error) } }",
    want: undefined,
  },
  {
    name: "arguments are its own",
    source: "function f() { return arguments.length }",
    want: undefined,
  },
  { name: "a shorthand uses its name", source: "() => ({ total })", want: "total" },
];

for (const { name, source, want } of rows) {
  test(name, () => assert.equal(capturedName([source], globals), want));
}
