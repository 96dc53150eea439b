// Goal: objects can be named as in kubectl, and a wrong name is answered with the one that was probably meant.
// Method: a table of words and what they name; names that do not exist are asked of a real state folder in get.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindNames } from "../manifest/kinds.ts";
import { kindOf, oneTarget, targetsOf } from "./references.ts";

const agent = (name: string, namespace = "default") => ({ kind: "Agent", namespace, name });

const keys: readonly (readonly [words: string[], keys: object[]])[] = [
  [["agent/a"], [agent("a")]],
  [
    ["agents/a", "ag/b"],
    [agent("a"), agent("b")],
  ],
  [
    ["AGENT", "a", "b"],
    [agent("a"), agent("b")],
  ],
  [
    ["tool/t", "agent/a"],
    [{ kind: "Tool", namespace: "default", name: "t" }, agent("a")],
  ],
];

for (const [words, expected] of keys) {
  test(`${words.join(" ")} names objects`, () => {
    assert.deepEqual(targetsOf(words, {}), { type: "keys", keys: expected });
  });
}

const kinds: readonly (readonly [word: string, kinds: readonly string[]])[] = [
  ["agents", ["Agent"]],
  ["Agent", ["Agent"]],
  ["ag,tools,agents", ["Agent", "Tool"]],
  ["all", kindNames],
  ["agents,all", kindNames],
];

for (const [word, expected] of kinds) {
  test(`${word} names kinds`, () => {
    assert.deepEqual(targetsOf([word], {}), { type: "kinds", kinds: expected });
  });
}

test("every kind has its singular, its plural and its own name", () => {
  for (const kind of kindNames) {
    const lower = kind.toLowerCase();
    assert.deepEqual([kindOf(lower), kindOf(`${lower}s`), kindOf(kind)], [kind, kind, kind]);
  }
});

test("the namespace goes to every object", () => {
  assert.deepEqual(oneTarget(["agent/a"], { namespace: "team" }), agent("a", "team"));
});

const refused: readonly (readonly [words: string[], scope: object, code: string, hint: RegExp])[] =
  [
    [[], {}, "LEG7017", /KIND\/NAME/],
    [["poet"], {}, "LEG7011", /did you mean agent\/poet\? Use one of: agents/],
    [["agnets"], {}, "LEG7011", /did you mean "agents"\?/],
    [["agnt/a"], {}, "LEG7011", /did you mean "agents"\?/],
    [["agent/a", "b"], {}, "LEG7002", /KIND\/NAME/],
    [["agent/"], {}, "LEG7002", /KIND\/NAME/],
    [["agent/a/b"], {}, "LEG7002", /KIND\/NAME/],
    [["all", "a"], {}, "LEG7011", /use one of|did you mean/],
    [["agent/a"], { allNamespaces: true }, "LEG7020", /-n/],
    [["agent", "a"], { selector: "team=docs" }, "LEG7001", /leave one/],
  ];

for (const [words, scope, code, hint] of refused) {
  test(`"${words.join(" ")}" is refused with ${code}`, () => {
    assert.throws(() => targetsOf(words, scope), { code, hint });
  });
}

test("where one object is meant, a kind alone or two objects are refused", () => {
  assert.throws(() => oneTarget(["agents"], {}), { code: "LEG7017" });
  assert.throws(() => oneTarget(["agent/a", "agent/b"], {}), { code: "LEG7002" });
});
