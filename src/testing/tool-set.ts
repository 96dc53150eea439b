import type { FunctionSpec, ToolBinding } from "../tools/contract.ts";
import { vocabulary } from "./tool-vocabulary.ts";

/** Tools with their functions and parameters, `?` for optional ones. */
const listing = `
github: Repositories, issues and pull requests on GitHub.
  listIssues(owner repo state? labels? sort? order? limit? cursor?) List issues of a repository, newest first.
  getIssue(owner repo number) Get one issue with its comments.
  createIssue(owner repo title body? labels? assignees?) Open a new issue in a repository.
  updateIssue(owner repo number title? body? state? labels?) Change an existing issue.
  addComment(owner repo number comment) Add a comment to an issue or pull request.
  listPullRequests(owner repo state? base? sort? limit? cursor?) List pull requests of a repository.
  createPullRequest(owner repo title head base body? draft?) Open a new pull request.
  mergePullRequest(owner repo number method? message?) Merge a pull request.
  getFile(owner repo path branch?) Get the contents of a file at a branch.
  searchCode(query owner? repo? limit? cursor?) Search for code across repositories.
gitlab: Projects and merge requests on GitLab.
  listBranches(owner repo query? limit? cursor?) List the branches of a repository.
  createBranch(owner repo branch base) Create a branch from another one.
  deleteBranch(owner repo branch) Delete a branch.
  listCommits(owner repo branch? path? since? limit? cursor?) List commits of a branch.
  getCommit(owner repo id) Get one commit with its diff.
  writeFile(owner repo path content message branch) Create or replace a file with a commit.
  deleteFile(owner repo path message branch) Delete a file with a commit.
  listPipelines(owner repo branch? state? limit? cursor?) List the CI pipelines of a repository.
  retryPipeline(owner repo id) Run the failed jobs of a pipeline again.
  getJobLog(owner repo id lines?) Get the log of a CI job.
slack: Messages and channels in the Slack workspace.
  listChannels(query? limit? cursor?) List the public channels of the workspace.
  postMessage(channel text thread?) Post a message to a channel.
  updateMessage(channel id text) Change the text of a message.
  deleteMessage(channel id) Delete a message.
  addReaction(channel id emoji) Add a reaction to a message.
  getHistory(channel since? limit? cursor?) Get the latest messages of a channel.
  getReplies(channel thread limit? cursor?) Get all replies of a thread.
  searchMessages(query channel? user? sort? limit? cursor?) Search messages across all channels.
  getUser(user) Get the profile of a user.
  inviteUser(channel user) Invite a user to a channel.
mail: The mailbox of the current user.
  search(query folder? unread? since? limit? cursor?) Search messages in the mailbox.
  read(id) Get a message with its full text.
  send(to subject body cc?) Send a new message.
  reply(id body cc?) Reply to a message.
  forward(id to body?) Forward a message to others.
  createDraft(to subject body cc?) Save a message as a draft.
  move(id folder) Move a message to another folder.
  remove(id) Move a message to the trash.
  listFolders(parent? limit? cursor?) List the folders of the mailbox.
  addLabels(id labels) Add labels to a message.
calendar: Events in the calendars of the current user.
  listEvents(start end calendar? query? limit? cursor?) List events in a time range.
  getEvent(id calendar?) Get one event with its attendees.
  createEvent(title start end attendees? location? body? recurrence? calendar?) Create an event and invite the attendees.
  updateEvent(id title? start? end? attendees? location? calendar?) Change an event and tell the attendees.
  deleteEvent(id calendar?) Cancel an event.
  findFreeTime(attendees start end duration) Find times at which all attendees are free.
  listCalendars(limit? cursor?) List the calendars of the user.
  shareCalendar(calendar email) Share a calendar with someone.
  respond(id status comment? calendar?) Accept or decline an invitation.
  listRooms(start end location? limit?) List rooms that are free in a time range.
jira: Tickets of the team in Jira.
  searchTickets(query sort? order? limit? cursor?) Search tickets with JQL.
  getTicket(id) Get a ticket with its fields and comments.
  createTicket(project title body? priority? assignee? labels? due? parent? fields?) Create a ticket in a project.
  updateTicket(id title? body? priority? assignee? labels? due? fields?) Change fields of a ticket.
  transitionTicket(id status comment?) Move a ticket to another status.
  assignTicket(id assignee) Assign a ticket to a person.
  commentTicket(id comment) Add a comment to a ticket.
  listProjects(query? limit? cursor?) List the projects that the user can see.
  listSprints(project state? limit? cursor?) List the sprints of a project.
  logWork(id duration start? comment?) Log time spent on a ticket.
stripe: Customers, payments and subscriptions in Stripe.
  listCustomers(email? since? limit? cursor?) List customers, newest first.
  createCustomer(email name? description? metadata?) Create a customer.
  getCustomer(customer) Get one customer.
  createPayment(customer amount currency description? metadata?) Charge a customer.
  refundPayment(id amount? reason? metadata?) Refund a payment in full or in part.
  listPayments(customer? since? limit? cursor?) List payments, newest first.
  createInvoice(customer amount currency description? due? metadata?) Create and send an invoice.
  createSubscription(customer price quantity? metadata?) Subscribe a customer to a price.
  cancelSubscription(id comment?) Cancel a subscription at the end of its period.
  getBalance(currency?) Get the balance of the account.
kubernetes: Resources of the production cluster.
  list(kind namespace? selector? limit? cursor?) List resources of a kind.
  get(kind name namespace?) Get one resource as YAML.
  apply(manifest namespace?) Create or change resources from a manifest.
  remove(kind name namespace?) Delete a resource.
  logs(name namespace? container? lines? since?) Get the log of a pod.
  scale(name replicas namespace?) Set the number of replicas of a deployment.
  restart(name namespace?) Restart the pods of a deployment.
  rollback(name namespace?) Go back to the previous revision of a deployment.
  events(namespace? name? since? limit?) List recent events.
  top(namespace? selector? limit?) Get CPU and memory usage of pods.
storage: Objects in the buckets of the cloud account.
  listBuckets(prefix? limit? cursor?) List the buckets of the account.
  listObjects(bucket prefix? recursive? limit? cursor?) List the objects of a bucket.
  getObject(bucket key) Get the content of an object as text.
  putObject(bucket key content contentType? metadata?) Create or replace an object.
  deleteObject(bucket key) Delete an object.
  copyObject(bucket key path) Copy an object within the account.
  createLink(bucket key expires?) Create a temporary link for downloading an object.
  createBucket(name location? labels?) Create a bucket.
  query(sql values? limit? timeout?) Run a SQL statement on the warehouse and return the rows.
  describeTable(table schema?) List the columns of a table.
browser: A browser window that the agent controls.
  open(url timeout?) Open a page and wait until it is loaded.
  click(selectorCss timeout?) Click an element.
  fill(selectorCss value timeout?) Enter a value into an input field.
  choose(selectorCss value timeout?) Choose an option of a select field.
  read(selectorCss? limit?) Get the visible text of the page or of an element.
  screenshot(selectorCss? fullPage?) Take a screenshot of the page.
  wait(selectorCss timeout?) Wait until an element appears.
  back(timeout?) Go back to the previous page.
  links(query? limit?) List the links of the page.
  download(url path timeout?) Download a file to the workspace.
home: Devices and dashboards of the house.
  listEntities(query? kind? limit?) List the devices with their state.
  getState(entity) Get the state of a device.
  getHistory(entity start end? limit?) Get the history of a device in a time range.
  turnOn(entity brightness? duration?) Turn a device on.
  turnOff(entity duration?) Turn a device off.
  setTemperature(entity temperature duration?) Set the target temperature of a thermostat.
  activateScene(scene) Activate a scene.
  queryMetric(metric start end step?) Query a metric over a time range.
  listAlerts(severity? since? limit? cursor?) List alerts that are firing.
  silenceAlert(id duration comment) Silence an alert for some time.
notion: Pages and databases of the Notion workspace.
  search(query sort? order? limit? cursor?) Search pages and databases by title.
  getPage(page) Get a page with its content.
  createPage(parent title blocks?) Create a page below another one.
  updatePage(page title? fields?) Change the title or the properties of a page.
  appendBlocks(page blocks) Append content to a page.
  archivePage(page) Move a page to the trash.
  queryDatabase(database filter? sort? order? limit? cursor?) Query the rows of a database.
  addRow(database fields) Add a row to a database.
  listComments(page limit? cursor?) List the comments of a page.
  addPageComment(page comment) Add a comment to a page.
`;

/**
 * 120 functions as tool servers of twelve common services offer them: names, parameters and descriptions in their manner. What a
 * prompt with many tools costs is measured on them.
 */
export function toolSet(): ToolBinding[] {
  const limits = { timeoutMs: 1_000, maxArgumentBytes: 1_000, maxResultBytes: 1_000 };
  return listing
    .trim()
    .split(/\n(?! )/)
    .map((block) => {
      const [head = "", ...rows] = block.split("\n");
      const [as = "", description = ""] = head.split(": ");
      const functions = Object.fromEntries(rows.map(functionEntry));
      const tool = { name: as, description, functions, limits, call: async () => null };
      return { as, tool, functions: Object.keys(functions).toSorted(), config: {} };
    });
}

function functionEntry(row: string): [name: string, spec: FunctionSpec] {
  const [, name = "", list = "", description = ""] = /^ {2}(\w+)\((.*?)\) (.*)$/.exec(row) ?? [];
  const names = list.split(" ").filter((each) => each !== "");
  const properties = Object.fromEntries(
    names.map((each) => [each.replace("?", ""), parameter(each)]),
  );
  const required = names.filter((each) => !each.endsWith("?"));
  const parameters = { type: "object", properties, ...(required.length > 0 && { required }) };
  return [name, { description, parameters: { ...parameters, additionalProperties: false } }];
}

function parameter(name: string): object {
  const schema = vocabulary[name.replace("?", "")];
  if (schema === undefined) throw new Error(`the vocabulary lacks "${name}"`);
  return schema;
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
