import type { CodePage } from "../codes.ts";

/** LEG206x: questions and approvals. */
export const peopleCodes = {
  LEG2060: {
    title: "a question whose answer would be lost",
    why: "human.ask was called under eval_and_complete: the value of that code ends the turn, and the model would never see what the person said.",
    fix: "Ask under eval_and_continue, and finish in a later step with the answer at hand.",
    example: {
      wrong:
        '{"action": "eval_and_complete", "code": "await tools.human.ask({ question: \\"Which one?\\" })"}',
      right:
        '{"action": "eval_and_continue", "code": "const answer = await tools.human.ask({ question: \\"Which one?\\" })"}',
    },
  },
  LEG2061: {
    title: "nobody answered in time",
    why: "The question was open for as long as the call or spec.config.timeout of the Tool says, and nobody answered it.",
    fix: "Go on without the answer, ask again with a longer timeout, or see to it that somebody looks at open questions: legion get questions.",
  },
  LEG2062: {
    title: "the call was not approved",
    why: "The call needs the approval of a person, and a person denied it, or nobody decided in time: no answer is a no. An approval that was given and not used before it expired counts no more.",
    fix: "Do without the call, or make another one that a person will approve. spec.approvalTimeout of the agent says for how long an approval is waited for.",
  },
  LEG2063: {
    title: "questions are answered, approvals are decided",
    why: "An answer was given to a call that waits for an approval, or an approval to a question.",
    fix: "Answer a question with legion respond; decide about a call with legion approve or legion deny.",
    example: { wrong: "legion respond ID yes", right: "legion approve ID" },
  },
  LEG2064: {
    title: "the answer is not what the question asks for",
    why: "The question lists the answers to choose from, or has a JSON Schema of its answer, and this answer is not among them or does not meet the schema. It may also be too long. The question is still open.",
    fix: "Give one of the answers that the message names.",
  },
  LEG2065: {
    title: "the approval is for another call",
    why: "What was asked under this key was about another run, another function or other arguments. An approval holds for exactly the call that the person saw.",
    fix: "Make the call in a step of its own: it is asked for anew.",
  },
  LEG2066: {
    title: "too many open questions",
    why: "A run may wait for a limited number of questions and approvals at a time, so that people are not flooded.",
    fix: "Await the answers before asking more, or put several questions into one.",
  },
  LEG2067: {
    title: "the question is not waited for any more",
    why: "The run that asked has ended or was interrupted, its code ended without awaiting the answer, or Legion is shutting down. In the last case the question stays open, and the run goes on with its answer after the restart.",
    fix: "Await human.ask before the code ends.",
    example: {
      wrong: 'tools.human.ask({ question: "Which one?" });',
      right: 'const answer = await tools.human.ask({ question: "Which one?" });',
    },
  },
  LEG2068: {
    title: "nobody can be asked here",
    why: "The agent runs where no people can be reached, such as a single run without a daemon.",
    fix: "Start the daemon with legion up and give the agent its task with legion ask or legion tell.",
  },
  LEG2069: {
    title: "the handler of a question failed",
    why: "The program or address in spec.config.handler of the Tool did not answer the question: it could not be reached, failed, took too long, or gave an answer that the question does not allow. The question stays open for people.",
    fix: "Run the handler by hand with a question as JSON on its standard input, or answer the question with legion respond.",
  },
} as const satisfies Record<string, CodePage>;
