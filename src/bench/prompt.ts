import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { functionCallingJson, toolSet } from "../testing/tool-set.ts";
import { toolSection } from "../tools/declarations.ts";
import type { Benchmark } from "./benchmark.ts";

/** What tools cost in the prompt, in tokens of o200k. */
export const benchmark: Benchmark = {
  name: "prompt",
  async run() {
    const tools = toolSet();
    const tokens = (text: string) => encode(text).length;
    const json = tokens(functionCallingJson(tools));
    const index = tokens(toolSection({ tools }, "index"));
    return [
      {
        name: "prompt tokens for 120 tools (o200k)",
        value: tokens(toolSection({ tools }, "inline")),
        unit: "tokens",
        beside: `function-calling JSON ${json} tokens, index ${index} tokens`,
        bar: 4_500,
        want: "<=",
      },
    ];
  },
};
