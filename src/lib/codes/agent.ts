import type { CodePage } from "../codes.ts";

/** LEG2xxx: 20 to 29 end a turn, 30 to 39 concern the loops of agents, 40 to 59 are for the model, which corrects them. */
export const agentCodes = {
  LEG2020: {
    title: "too many iterations",
    why: "The agent used all the steps that spec.maxIterations allows and had not finished.",
    fix: "Give it a smaller task, or raise spec.maxIterations; instructions that say when to stop help too.",
    example: { wrong: "maxIterations: 2", right: "maxIterations: 20" },
  },
  LEG2021: {
    title: "too many retries",
    why: "The same step failed more often in a row than spec.maxRetries allows. The last error is part of the message.",
    fix: "Correct what the last error names: often instructions or an outputSchema that the model cannot follow, or a model that is too small. Or raise spec.maxRetries.",
  },
  LEG2022: {
    title: "the turn timed out",
    why: "The turn took longer than spec.timeout, or than the limit that the caller set.",
    fix: "Raise spec.timeout, or give the agent less to do.",
    example: { wrong: "timeout: 5s", right: "timeout: 10m" },
    exit: 124,
  },
  LEG2023: {
    title: "the turn was interrupted",
    why: "Whoever started the turn ended it before the agent had finished.",
    fix: "Run it again.",
    exit: 130,
  },
  LEG2024: {
    title: "the turn was terminated",
    why: "The sandboxes were closed while the agent's code ran, because Legion stops.",
    fix: "Run it again when Legion runs.",
  },
  LEG2030: {
    title: "the agent does not run",
    why: "No loop takes messages for an agent of this name: there is no such agent, or it was not accepted, or it has just been deleted.",
    fix: "Run `legion get agents`: it shows which agents are Ready, and why others are not.",
  },
  LEG2031: {
    title: "the agent is being deleted",
    why: "The manifest of the agent was deleted. It takes no more messages; the turn that runs may end within spec.terminationGracePeriod.",
    fix: "Send the message to another agent, or apply the manifest again and send it when the new agent is Ready.",
  },
  LEG2032: {
    title: "too many messages wait for the agent",
    why: "The inbox of an agent holds at most 1,000 messages without an answer, and this one would be one more. It was not kept.",
    fix: "Wait until the agent has answered some of them, then send it again; or share the work among several agents.",
  },
  LEG2033: {
    title: "the daemon is shutting down",
    why: "The daemon ended before the agent had answered. The message is kept on disk.",
    fix: "Start the daemon again (`legion up`): the agent then answers the message.",
  },
  LEG2040: {
    title: "the reply is not an action",
    why: "The model's reply holds no JSON object with the fields action, code and result.",
    fix: "Use a model that follows JSON schemas; spec.structuredOutput of the Provider says how the schema is asked for.",
  },
  LEG2041: {
    title: "the action is not allowed",
    why: "The model chose an action that is not among spec.actionTypes.",
    fix: "Choose one of the actions that the message lists, or add the action to spec.actionTypes.",
  },
  LEG2042: {
    title: "an action without code",
    why: "eval_and_continue and eval_and_complete run the field code, and it was empty.",
    fix: "Put the JavaScript into the field code.",
  },
  LEG2043: {
    title: "a return without a result",
    why: "The action return finishes with the field result, and there was none.",
    fix: "Put the answer into the field result.",
  },
  LEG2044: {
    title: "the answer does not meet the output schema",
    why: "The result of return, or the value of eval_and_complete, does not meet spec.outputSchema.",
    fix: "Answer in the form that the schema wants, or correct spec.outputSchema.",
  },
  LEG2045: {
    title: "the answer check refused the answer",
    why: "The function that spec.answerCheck names did not return true for the answer.",
    fix: "Correct the answer as the message says.",
  },
  LEG2046: {
    title: "the reply was cut off",
    why: "The model reached its limit of output tokens before the reply was whole.",
    fix: "Write less in one step, or raise spec.modelOptions.maxOutputTokens.",
  },
  LEG2047: {
    title: "no such text to recall",
    why: "recall was called with a handle that was never given out, or whose text had to make room for newer ones.",
    fix: "Use a handle that stands in a message that was cut.",
    example: { wrong: 'await recall("report")', right: 'await recall("m1")' },
  },
  LEG2048: {
    title: "the arguments of a call are not JSON",
    why: "In mode tools the model writes the arguments of a call as the text of a JSON object, and this text does not parse. The function was not called.",
    fix: "Write the arguments as one whole JSON object.",
    example: { wrong: "{path: 'a.txt'", right: '{"path":"a.txt"}' },
  },
  LEG2049: {
    title: "too many calls in one reply",
    why: "In mode tools one reply may make at most 128 calls. Those after them were not made.",
    fix: "Make the rest of the calls in the next reply.",
  },
} as const satisfies Record<string, CodePage>;
