import type { FunctionSpec, ToolBinding } from "../tools/contract.ts";

/**
 * 120 functions as tool servers of twelve common services offer them: names, parameters and descriptions in their manner. What a
 * prompt with many tools costs is measured on them.
 */
export function toolSet(): ToolBinding[] {
  return Object.entries(services).map(([as, { about, functions }]) => {
    const specs = Object.fromEntries(
      Object.entries(functions).map(([name, [description, parameters]]) => [
        name,
        functionSpec(description, parameters),
      ]),
    );
    const tool = {
      name: as,
      description: about,
      functions: specs,
      limits: { timeoutMs: 1_000, maxArgumentBytes: 1_000, maxResultBytes: 1_000 },
      call: async () => null,
    };
    return { as, tool, functions: Object.keys(specs).toSorted(), config: {} };
  });
}

/** The same functions in the form that native function calling sends them. */
export function functionCallingJson(tools: readonly ToolBinding[]): string {
  const functions = tools.flatMap(({ as, tool, functions: names }) =>
    names.map((name) => {
      const { description, parameters } = tool.functions[name] as FunctionSpec;
      return { type: "function", function: { name: `${as}_${name}`, description, parameters } };
    }),
  );
  return JSON.stringify(functions);
}

/** Parameters by name, `?` for optional ones; the vocabulary says what each is. */
type Row = readonly [description: string, parameters: string];
interface Service {
  readonly about: string;
  readonly functions: Readonly<Record<string, Row>>;
}

function functionSpec(description: string, parameters: string): FunctionSpec {
  const names = parameters.split(" ").filter((name) => name !== "");
  const properties = Object.fromEntries(
    names.map((name) => [
      name.replace("?", ""),
      vocabulary[name.replace("?", "")] ?? missing(name),
    ]),
  );
  const required = names.filter((name) => !name.endsWith("?"));
  return {
    description,
    parameters: {
      type: "object",
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
  };
}

function missing(name: string): never {
  throw new Error(`the vocabulary lacks "${name}"`);
}

const text = (description: string) => ({ type: "string", description });
const number = (description: string) => ({ type: "integer", description });
const flag = (description: string) => ({ type: "boolean", description });
const texts = (description: string) => ({ type: "array", items: { type: "string" }, description });
const choice = (values: readonly string[], description: string) => ({
  type: "string",
  enum: values,
  description,
});
const time = (description: string) => ({ type: "string", format: "date-time", description });

const vocabulary: Readonly<Record<string, object>> = {
  id: text("Identifier of the object"),
  limit: {
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: 20,
    description: "Maximum number of results to return",
  },
  cursor: text("Opaque cursor of the next page, from the previous response"),
  query: text("Search query"),
  owner: text("Account that owns the repository"),
  repo: text("Name of the repository"),
  number: number("Number of the issue or pull request"),
  branch: text("Name of the branch"),
  path: text("Path of the file, relative to the root"),
  content: text("Text content of the file"),
  message: text("Commit message"),
  title: text("Title, one line"),
  body: text("Body text in Markdown"),
  labels: texts("Labels to apply"),
  assignees: texts("User names to assign"),
  state: choice(["open", "closed", "all"], "Only objects in this state"),
  sort: choice(["created", "updated", "name"], "Field to sort the results by"),
  order: choice(["asc", "desc"], "Sort direction"),
  since: time("Only objects changed after this time"),
  start: time("Start time, ISO 8601"),
  end: time("End time, ISO 8601"),
  channel: text("Identifier or name of the channel"),
  user: text("Identifier of the user"),
  email: text("Email address"),
  text: text("Text of the message"),
  thread: text("Identifier of the thread to reply to"),
  emoji: text("Name of the emoji, without colons"),
  to: texts("Addresses of the recipients"),
  cc: texts("Addresses of the recipients in copy"),
  subject: text("Subject line"),
  folder: text("Identifier of the folder"),
  unread: flag("Only messages that were not read"),
  attendees: texts("Email addresses of the attendees"),
  calendar: text("Identifier of the calendar, primary by default"),
  location: text("Place, free text"),
  recurrence: text("RRULE of the series"),
  project: text("Key of the project"),
  priority: choice(["low", "medium", "high", "urgent"], "Priority of the ticket"),
  status: text("Name of the status"),
  assignee: text("Identifier of the person responsible"),
  due: { type: "string", format: "date", description: "Due date, YYYY-MM-DD" },
  parent: text("Identifier of the parent object"),
  comment: text("Text of the comment"),
  fields: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Custom fields by name",
  },
  customer: text("Identifier of the customer"),
  amount: number("Amount in the smallest currency unit"),
  currency: {
    type: "string",
    minLength: 3,
    maxLength: 3,
    description: "Three-letter ISO currency code",
  },
  description: text("Description shown to the customer"),
  metadata: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Key-value pairs to keep with the object",
  },
  reason: choice(["duplicate", "fraudulent", "requested"], "Why it is refunded"),
  price: text("Identifier of the price"),
  quantity: number("How many"),
  name: text("Name of the object"),
  namespace: text("Kubernetes namespace"),
  selector: text("Label selector, such as app=web"),
  kind: choice(["Pod", "Deployment", "Service", "ConfigMap", "Job"], "Kind of the resource"),
  manifest: text("Manifest as YAML"),
  container: text("Name of the container in the pod"),
  lines: number("Number of lines from the end"),
  replicas: number("Number of replicas"),
  bucket: text("Name of the bucket"),
  key: text("Key of the object in the bucket"),
  prefix: text("Only keys that start with this"),
  expires: number("Seconds until the link expires"),
  contentType: text("MIME type of the content"),
  sql: text("SQL statement, with $1, $2 for parameters"),
  values: {
    type: "array",
    items: { type: ["string", "number", "boolean", "null"] },
    description: "Values of the parameters in order",
  },
  schema: text("Name of the database schema"),
  table: text("Name of the table"),
  url: { type: "string", format: "uri", description: "Absolute URL of the page" },
  selectorCss: text("CSS selector of the element"),
  value: text("Value to enter"),
  timeout: {
    type: "integer",
    minimum: 0,
    maximum: 60000,
    description: "Milliseconds to wait at most",
  },
  fullPage: flag("Whole page instead of the visible part"),
  entity: text("Entity id, such as light.kitchen"),
  brightness: { type: "integer", minimum: 0, maximum: 100, description: "Brightness in percent" },
  temperature: { type: "number", description: "Target temperature in degrees Celsius" },
  scene: text("Name of the scene"),
  dashboard: text("Identifier of the dashboard"),
  metric: text("Metric query in PromQL"),
  step: text("Resolution, such as 30s or 5m"),
  severity: choice(["info", "warning", "critical"], "Severity of the alert"),
  duration: text("Length of time, such as 2h"),
  page: text("Identifier of the page"),
  blocks: {
    type: "array",
    items: {
      type: "object",
      properties: { type: { type: "string" }, text: { type: "string" } },
      required: ["type"],
    },
    description: "Content blocks to append",
  },
  database: text("Identifier of the database"),
  filter: {
    type: "object",
    properties: { property: { type: "string" }, equals: { type: "string" } },
    required: ["property"],
    description: "Condition that results must meet",
  },
  recursive: flag("Include everything below as well"),
  draft: flag("Create it as a draft"),
  base: text("Branch to merge into"),
  head: text("Branch with the changes"),
  method: choice(["merge", "squash", "rebase"], "How to merge"),
};

const services: Readonly<Record<string, Service>> = {
  github: {
    about: "Repositories, issues and pull requests on GitHub.",
    functions: {
      listIssues: [
        "List issues of a repository, newest first.",
        "owner repo state? labels? sort? order? limit? cursor?",
      ],
      getIssue: ["Get one issue with its comments.", "owner repo number"],
      createIssue: [
        "Open a new issue in a repository.",
        "owner repo title body? labels? assignees?",
      ],
      updateIssue: ["Change an existing issue.", "owner repo number title? body? state? labels?"],
      addComment: ["Add a comment to an issue or pull request.", "owner repo number comment"],
      listPullRequests: [
        "List pull requests of a repository.",
        "owner repo state? base? sort? limit? cursor?",
      ],
      createPullRequest: ["Open a new pull request.", "owner repo title head base body? draft?"],
      mergePullRequest: ["Merge a pull request.", "owner repo number method? message?"],
      getFile: ["Get the contents of a file at a branch.", "owner repo path branch?"],
      searchCode: ["Search for code across repositories.", "query owner? repo? limit? cursor?"],
    },
  },
  gitlab: {
    about: "Projects and merge requests on GitLab.",
    functions: {
      listBranches: ["List the branches of a repository.", "owner repo query? limit? cursor?"],
      createBranch: ["Create a branch from another one.", "owner repo branch base"],
      deleteBranch: ["Delete a branch.", "owner repo branch"],
      listCommits: ["List commits of a branch.", "owner repo branch? path? since? limit? cursor?"],
      getCommit: ["Get one commit with its diff.", "owner repo id"],
      writeFile: [
        "Create or replace a file with a commit.",
        "owner repo path content message branch",
      ],
      deleteFile: ["Delete a file with a commit.", "owner repo path message branch"],
      listPipelines: [
        "List the CI pipelines of a repository.",
        "owner repo branch? state? limit? cursor?",
      ],
      retryPipeline: ["Run the failed jobs of a pipeline again.", "owner repo id"],
      getJobLog: ["Get the log of a CI job.", "owner repo id lines?"],
    },
  },
  slack: {
    about: "Messages and channels in the Slack workspace.",
    functions: {
      listChannels: ["List the public channels of the workspace.", "query? limit? cursor?"],
      postMessage: ["Post a message to a channel.", "channel text thread?"],
      updateMessage: ["Change the text of a message.", "channel id text"],
      deleteMessage: ["Delete a message.", "channel id"],
      addReaction: ["Add a reaction to a message.", "channel id emoji"],
      getHistory: ["Get the latest messages of a channel.", "channel since? limit? cursor?"],
      getReplies: ["Get all replies of a thread.", "channel thread limit? cursor?"],
      searchMessages: [
        "Search messages across all channels.",
        "query channel? user? sort? limit? cursor?",
      ],
      getUser: ["Get the profile of a user.", "user"],
      inviteUser: ["Invite a user to a channel.", "channel user"],
    },
  },
  mail: {
    about: "The mailbox of the current user.",
    functions: {
      search: ["Search messages in the mailbox.", "query folder? unread? since? limit? cursor?"],
      read: ["Get a message with its full text.", "id"],
      send: ["Send a new message.", "to subject body cc?"],
      reply: ["Reply to a message.", "id body cc?"],
      forward: ["Forward a message to others.", "id to body?"],
      createDraft: ["Save a message as a draft.", "to subject body cc?"],
      move: ["Move a message to another folder.", "id folder"],
      remove: ["Move a message to the trash.", "id"],
      listFolders: ["List the folders of the mailbox.", "parent? limit? cursor?"],
      addLabels: ["Add labels to a message.", "id labels"],
    },
  },
  calendar: {
    about: "Events in the calendars of the current user.",
    functions: {
      listEvents: ["List events in a time range.", "start end calendar? query? limit? cursor?"],
      getEvent: ["Get one event with its attendees.", "id calendar?"],
      createEvent: [
        "Create an event and invite the attendees.",
        "title start end attendees? location? body? recurrence? calendar?",
      ],
      updateEvent: [
        "Change an event and tell the attendees.",
        "id title? start? end? attendees? location? calendar?",
      ],
      deleteEvent: ["Cancel an event.", "id calendar?"],
      findFreeTime: ["Find times at which all attendees are free.", "attendees start end duration"],
      listCalendars: ["List the calendars of the user.", "limit? cursor?"],
      shareCalendar: ["Share a calendar with someone.", "calendar email"],
      respond: ["Accept or decline an invitation.", "id status comment? calendar?"],
      listRooms: ["List rooms that are free in a time range.", "start end location? limit?"],
    },
  },
  jira: {
    about: "Tickets of the team in Jira.",
    functions: {
      searchTickets: ["Search tickets with JQL.", "query sort? order? limit? cursor?"],
      getTicket: ["Get a ticket with its fields and comments.", "id"],
      createTicket: [
        "Create a ticket in a project.",
        "project title body? priority? assignee? labels? due? parent? fields?",
      ],
      updateTicket: [
        "Change fields of a ticket.",
        "id title? body? priority? assignee? labels? due? fields?",
      ],
      transitionTicket: ["Move a ticket to another status.", "id status comment?"],
      assignTicket: ["Assign a ticket to a person.", "id assignee"],
      commentTicket: ["Add a comment to a ticket.", "id comment"],
      listProjects: ["List the projects that the user can see.", "query? limit? cursor?"],
      listSprints: ["List the sprints of a project.", "project state? limit? cursor?"],
      logWork: ["Log time spent on a ticket.", "id duration start? comment?"],
    },
  },
  stripe: {
    about: "Customers, payments and subscriptions in Stripe.",
    functions: {
      listCustomers: ["List customers, newest first.", "email? since? limit? cursor?"],
      createCustomer: ["Create a customer.", "email name? description? metadata?"],
      getCustomer: ["Get one customer.", "customer"],
      createPayment: ["Charge a customer.", "customer amount currency description? metadata?"],
      refundPayment: ["Refund a payment in full or in part.", "id amount? reason? metadata?"],
      listPayments: ["List payments, newest first.", "customer? since? limit? cursor?"],
      createInvoice: [
        "Create and send an invoice.",
        "customer amount currency description? due? metadata?",
      ],
      createSubscription: [
        "Subscribe a customer to a price.",
        "customer price quantity? metadata?",
      ],
      cancelSubscription: ["Cancel a subscription at the end of its period.", "id comment?"],
      getBalance: ["Get the balance of the account.", "currency?"],
    },
  },
  kubernetes: {
    about: "Resources of the production cluster.",
    functions: {
      list: ["List resources of a kind.", "kind namespace? selector? limit? cursor?"],
      get: ["Get one resource as YAML.", "kind name namespace?"],
      apply: ["Create or change resources from a manifest.", "manifest namespace?"],
      remove: ["Delete a resource.", "kind name namespace?"],
      logs: ["Get the log of a pod.", "name namespace? container? lines? since?"],
      scale: ["Set the number of replicas of a deployment.", "name replicas namespace?"],
      restart: ["Restart the pods of a deployment.", "name namespace?"],
      rollback: ["Go back to the previous revision of a deployment.", "name namespace?"],
      events: ["List recent events.", "namespace? name? since? limit?"],
      top: ["Get CPU and memory usage of pods.", "namespace? selector? limit?"],
    },
  },
  storage: {
    about: "Objects in the buckets of the cloud account.",
    functions: {
      listBuckets: ["List the buckets of the account.", "prefix? limit? cursor?"],
      listObjects: ["List the objects of a bucket.", "bucket prefix? recursive? limit? cursor?"],
      getObject: ["Get the content of an object as text.", "bucket key"],
      putObject: ["Create or replace an object.", "bucket key content contentType? metadata?"],
      deleteObject: ["Delete an object.", "bucket key"],
      copyObject: ["Copy an object within the account.", "bucket key path"],
      createLink: ["Create a temporary link for downloading an object.", "bucket key expires?"],
      createBucket: ["Create a bucket.", "name location? labels?"],
      query: [
        "Run a SQL statement on the warehouse and return the rows.",
        "sql values? limit? timeout?",
      ],
      describeTable: ["List the columns of a table.", "table schema?"],
    },
  },
  browser: {
    about: "A browser window that the agent controls.",
    functions: {
      open: ["Open a page and wait until it is loaded.", "url timeout?"],
      click: ["Click an element.", "selectorCss timeout?"],
      fill: ["Enter a value into an input field.", "selectorCss value timeout?"],
      choose: ["Choose an option of a select field.", "selectorCss value timeout?"],
      read: ["Get the visible text of the page or of an element.", "selectorCss? limit?"],
      screenshot: ["Take a screenshot of the page.", "selectorCss? fullPage?"],
      wait: ["Wait until an element appears.", "selectorCss timeout?"],
      back: ["Go back to the previous page.", "timeout?"],
      links: ["List the links of the page.", "query? limit?"],
      download: ["Download a file to the workspace.", "url path timeout?"],
    },
  },
  home: {
    about: "Devices and dashboards of the house.",
    functions: {
      listEntities: ["List the devices with their state.", "query? kind? limit?"],
      getState: ["Get the state of a device.", "entity"],
      getHistory: ["Get the history of a device in a time range.", "entity start end? limit?"],
      turnOn: ["Turn a device on.", "entity brightness? duration?"],
      turnOff: ["Turn a device off.", "entity duration?"],
      setTemperature: [
        "Set the target temperature of a thermostat.",
        "entity temperature duration?",
      ],
      activateScene: ["Activate a scene.", "scene"],
      queryMetric: ["Query a metric over a time range.", "metric start end step?"],
      listAlerts: ["List alerts that are firing.", "severity? since? limit? cursor?"],
      silenceAlert: ["Silence an alert for some time.", "id duration comment"],
    },
  },
  notion: {
    about: "Pages and databases of the Notion workspace.",
    functions: {
      search: ["Search pages and databases by title.", "query sort? order? limit? cursor?"],
      getPage: ["Get a page with its content.", "page"],
      createPage: ["Create a page below another one.", "parent title blocks?"],
      updatePage: ["Change the title or the properties of a page.", "page title? fields?"],
      appendBlocks: ["Append content to a page.", "page blocks"],
      archivePage: ["Move a page to the trash.", "page"],
      queryDatabase: [
        "Query the rows of a database.",
        "database filter? sort? order? limit? cursor?",
      ],
      addRow: ["Add a row to a database.", "database fields"],
      listComments: ["List the comments of a page.", "page limit? cursor?"],
      addPageComment: ["Add a comment to a page.", "page comment"],
    },
  },
};
