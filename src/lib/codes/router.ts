import type { CodePage } from "../codes.ts";

/** LEG5xxx: choosing a model, asking a provider, secrets. */
export const routerCodes = {
  LEG5001: {
    title: "no such model",
    why: "A model reference is the name of a Router, an alias of a Router, or provider/model with the name of a Provider; this one is none of them.",
    fix: "Use a name that the message lists, or add the Router or Provider to the manifests.",
    example: { wrong: "model: gpt-5", right: "model: openai/gpt-5" },
  },
  LEG5002: {
    title: "ambiguous alias",
    why: "Several Routers define the alias, so it does not say which of them is meant.",
    fix: "Rename the alias in all Routers but one, or write the Router's name or provider/model instead.",
  },
  LEG5003: {
    title: "no model answered",
    why: "Every target was tried or could not be tried; the message says why for each.",
    fix: "Mend one of the reasons, or add a target that works to the Router.",
  },
  LEG5004: {
    title: "model not listed",
    why: "The Provider has a list of models, and this one is not on it.",
    fix: "Use a listed model, or add this one to spec.models of the Provider.",
  },
  LEG5005: {
    title: "missing capability",
    why: "The request needs something that the Provider's list of models does not grant to this model.",
    fix: "Add the capability in spec.models if the model has it, choose another model, or for json_schema set structuredOutput: prompt.",
  },
  LEG5006: {
    title: "scripted target left out",
    why: "A Router that has real targets does not use its scripted ones unless allowScripted is true, so that canned text is never taken for an answer.",
    fix: "Set allowScripted: true in the Router to let them stand in, with a warning.",
  },
  LEG5010: {
    title: "host name not found",
    why: "The name in baseUrl has no address: it is misspelt, or this machine has no network or no name server.",
    fix: "Check baseUrl in the Provider and the machine's network.",
  },
  LEG5011: {
    title: "cannot connect",
    why: "Nothing accepts connections at the address in baseUrl, or no way leads there.",
    fix: "Start the model server, or correct host and port in baseUrl.",
    example: {
      wrong: "baseUrl: http://127.0.0.1:11435/v1",
      right: "baseUrl: http://127.0.0.1:11434/v1",
    },
  },
  LEG5012: {
    title: "TLS failed",
    why: "The server's certificate is not valid for this host, is not trusted, or the server does not speak TLS on this port.",
    fix: "Use http:// for a server without TLS, or trust the server's authority with NODE_EXTRA_CA_CERTS.",
  },
  LEG5013: {
    title: "connection lost",
    why: "The provider closed the connection before the answer was whole.",
    fix: "Usually it passes: try again. If it stays, look at proxies between this machine and the provider.",
  },
  LEG5014: {
    title: "no response in time",
    why: "The provider accepted the request but did not begin to respond within timeouts.firstByte.",
    fix: "Raise timeouts.firstByte in the Provider, or use a faster model.",
  },
  LEG5015: {
    title: "the answer stalled",
    why: "The provider began to answer, then sent no content for as long as timeouts.idle; keep-alive signs do not count.",
    fix: "Raise timeouts.idle in the Provider if its models think for long without a word.",
  },
  LEG5016: {
    title: "the answer took too long",
    why: "The answer was not whole within timeouts.total of the Provider, or the timeout of the Router's tier.",
    fix: "Raise the timeout that the message names, ask for less, or use a faster model.",
  },
  LEG5017: {
    title: "port not allowed",
    why: "The port in baseUrl belongs to another protocol (9, 22, 25, 6000 and some more), and fetch connects to none of these.",
    fix: "Let the model server listen on another port, and write that one in baseUrl.",
    example: {
      wrong: "baseUrl: http://127.0.0.1:6000/v1",
      right: "baseUrl: http://127.0.0.1:8000/v1",
    },
  },
  LEG5020: {
    title: "not an answer",
    why: "The response is not what the protocol says: a web page, nothing, half a JSON value, bytes that are not UTF-8.",
    fix: "Check that baseUrl and chatPath lead to an OpenAI-compatible endpoint and not to a web site or a proxy's error page.",
    example: {
      wrong: "baseUrl: https://api.openai.com",
      right: "baseUrl: https://api.openai.com/v1",
    },
  },
  LEG5021: {
    title: "response too large",
    why: "The response is larger than maxResponseBytes of the Provider.",
    fix: "Raise maxResponseBytes, or limit the reply with modelOptions.maxOutputTokens.",
  },
  LEG5022: {
    title: "redirected",
    why: "The provider answered with a redirect; it is not followed, because that could hand the key to another host.",
    fix: "Write the address that it points to as baseUrl, if you trust it.",
  },
  LEG5030: {
    title: "key not accepted",
    why: "The provider does not accept the key, or the key may not use this model (401, 403).",
    fix: "Check the variable or file that apiKey names, and the rights of the key at the provider.",
  },
  LEG5031: {
    title: "no credit",
    why: "The provider wants to be paid first: the quota of the account is used up (402, insufficient_quota).",
    fix: "Add credit at the provider, or use another one.",
  },
  LEG5032: {
    title: "model or path not found at the provider",
    why: "The provider knows no such model, or has nothing at this path (404).",
    fix: "Check the model's name and baseUrl with chatPath; a local server may have to load the model first.",
  },
  LEG5033: {
    title: "rate limited",
    why: "The provider allows no more requests for now (429), also after waiting as it asked.",
    fix: "Wait, run fewer agents at once, or add another target to the Router.",
  },
  LEG5034: {
    title: "provider overloaded",
    why: "The provider is too busy to answer for now (408, 409, 425, 503, 529).",
    fix: "Try again later, or add another target to the Router.",
  },
  LEG5035: {
    title: "provider failed",
    why: "The provider reports an error of its own (5xx).",
    fix: "Try again later, or add another target to the Router.",
  },
  LEG5036: {
    title: "request not accepted",
    why: "The provider says that the request is wrong (400, 422); another target would say the same.",
    fix: "Read what the provider says; often the model lacks an option that modelOptions or structuredOutput asks for.",
    example: { wrong: "structuredOutput: json_schema", right: "structuredOutput: prompt" },
  },
  LEG5037: {
    title: "conversation too long for the model",
    why: "The messages and the reply together do not fit the model's context window.",
    fix: "Use a model with a larger window, give the agent less to read, or lower maxMessageLength.",
  },
  LEG5038: {
    title: "refused",
    why: "The model or the provider's policy refuses to answer this request.",
    fix: "Change the task; another attempt with the same words gives the same.",
  },
  LEG5039: {
    title: "the model's own output did not fit",
    why: "The provider threw the model's output away because it met neither the schema nor the tools that were asked for.",
    fix: "Usually it passes: try again. If it stays, set structuredOutput: prompt or use a stronger model.",
  },
  LEG5040: {
    title: "interrupted",
    why: "The caller stopped the request before the answer was whole.",
    fix: "Run it again.",
    exit: 130,
  },
  LEG5050: {
    title: "secret not set",
    why: "None of the places that valueFrom names has a value.",
    fix: "Set the environment variable, or write the file that the message names.",
    example: {
      wrong: "legion run agent/assistant",
      right: "OPENAI_API_KEY=... legion run agent/assistant",
    },
  },
  LEG5051: {
    title: "secret file not usable",
    why: "A secret file must be a regular file below the manifest root, also where links lead, readable by its owner only (mode 0600 or less), of at most 64 KiB. The manifest root is the folder that is loaded; for a single file, the folder of it.",
    fix: "Move it below the manifest root or load a folder that holds both, and run chmod 600 on it.",
  },
  LEG5052: {
    title: "secret program failed",
    why: "The program that valueFrom.exec names could not be started, failed, wrote too much, or took longer than 10 s; then it was ended with all that it had started.",
    fix: "Run the program by hand in the manifest's folder; it has only PATH, HOME and a few more variables.",
  },
  LEG5053: {
    title: "secret not usable as a header",
    why: "The value holds a line break or another character that an HTTP header cannot carry; often a file with more than one line.",
    fix: "Store the key alone, in one line.",
  },
  LEG5060: {
    title: "out of scripted replies",
    why: "The replies of a scripted provider without when are used once each in a conversation, and all of them are used.",
    fix: "Add a reply, or one with when that matches.",
    example: { wrong: "replies: []", right: "replies: [{when: {contains: hello}, text: Hi.}]" },
  },
} as const satisfies Record<string, CodePage>;
