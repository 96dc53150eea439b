// Goal: every builtin answers a wrong call with what is wrong, what would be right, and an example that works.
// Method: every function of the builtins table is called without each required argument, with each argument of a wrong type, and
// with an unknown one; then its example is called.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { codes } from "../../lib/codes.ts";
import { isObject, type JsonObject } from "../../lib/json.ts";
import { type TestToolbox, type Workplace, workplace } from "../../testing/toolbox.ts";
import { exampleArguments } from "../example.ts";
import { type Builtin, builtinFacts, builtins } from "../types/builtin.ts";

let place: Workplace;
let box: TestToolbox;
before(async () => {
  place = await workplace();
  await writeFile(path.join(place.folder, "README.md"), "text");
  await mkdir(path.join(place.folder, "src"));
  const tools = Object.keys(builtins).map((builtin) => [builtin, { type: "builtin", builtin }]);
  const askPeople = async () => "the first";
  box = await place.create({ tools: Object.fromEntries(tools), askPeople });
});
after(() => place[Symbol.asyncDispose]());

/** A value that is not of the type. */
const notOf = (schema: Record<string, unknown>) =>
  schema.type === "string" || schema.enum ? 7 : "seven";

for (const [tool, builtin] of Object.entries<Builtin>(builtins)) {
  for (const [name, { parameters, example, description }] of Object.entries(builtin.functions)) {
    const properties = (isObject(parameters.properties) ? parameters.properties : {}) as Record<
      string,
      Record<string, unknown>
    >;
    const required = Array.isArray(parameters.required) ? parameters.required.map(String) : [];
    const right: JsonObject = { ...exampleArguments(parameters), ...example };

    describe(`${tool}.${name}`, () => {
      const instructive = async (args: object, field: string, code = "LEG4005") => {
        const error = await box.error(`${tool}.${name}`, args);
        assert.equal(error.code, code);
        assert.ok(error.code in codes);
        assert.ok(error.message.includes(`"${field}"`), error.message);
        assert.notEqual(error.hint, "");
        assert.ok(error.example?.startsWith(`await tools.${tool}.${name}({`), error.example);
        return error;
      };

      for (const field of required) {
        test(`without "${field}" it says that this is missing, and lists what there is`, async () => {
          const { [field]: _, ...rest } = right;
          assert.deepEqual((await instructive(rest, field)).valid, Object.keys(properties));
        });
      }

      for (const [field, schema] of Object.entries(properties)) {
        // A parameter without a type takes anything.
        if (schema.type === undefined && schema.enum === undefined) continue;
        test(`with a wrong type of "${field}" it says the right one`, async () => {
          const { message, hint } = await instructive({ ...right, [field]: notOf(schema) }, field);
          const [choice] = Array.isArray(schema.enum) ? schema.enum : [];
          // The only pattern of the builtins is that of a duration.
          const expected = String(
            choice ?? (schema.pattern === undefined ? schema.type : "duration"),
          );
          assert.ok(`${message} ${hint}`.includes(expected), `${message} - ${hint}`);
        });
      }

      test("with an unknown argument it lists what there is", async () => {
        const error = await instructive({ ...right, bogus: 1 }, "bogus");
        assert.deepEqual(error.valid, Object.keys(properties));
      });

      test("its example is a call that works", async () => {
        assert.ok(example !== undefined && description.length > 10);
        await box.value(`${tool}.${name}`, example);
      });

      test("no more than one object is taken", async () => {
        assert.equal((await box.error(`${tool}.${name}`, "text")).code, "LEG4003");
      });
    });
  }

  test(`${tool} with an unknown field of config is refused when the toolbox is created`, async () => {
    const creating = place.create({
      tools: { x: { type: "builtin", builtin: tool, config: { bogus: 1 } } },
    });
    await assert.rejects(creating, {
      code: "LEG4012",
      message: /config of the tool "x" .*"bogus"/,
    });
  });
}

test("the names for the manifest checks are those of the functions", () => {
  const names = Object.entries(builtinFacts).map(([name, { functions }]) => [name, functions]);
  assert.deepEqual(Object.fromEntries(names), {
    files: ["read", "list", "glob"],
    human: ["ask"],
    kv: ["get", "set", "delete", "list"],
    now: ["now"],
  });
});
