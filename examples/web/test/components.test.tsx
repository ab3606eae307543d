import { convosync, type Sync } from "@convosync/client";
import { ConvosyncProvider } from "@convosync/client/react";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Answers } from "../src/answers";
import { PageContext, ServicesContext, type Page } from "../src/app-context";
import { SignInDialog } from "../src/components/SignInDialog";
import { Transcript } from "../src/components/Transcript";
import { UndoToast } from "../src/components/UndoToast";
import { ChatDatabase } from "../src/database";
import { Session } from "../src/session";

let db: ChatDatabase;
let sync: Sync;
let offered: (() => Promise<void>)[];

beforeEach(() => {
  db = new ChatDatabase("test");
  const nowhere = () => Promise.reject(new TypeError("Failed to fetch"));
  sync = convosync(db, { url: "http://127.0.0.1:1", fetch: nowhere });
  offered = [];
});
afterEach(() => db.delete());

const page: Page = {
  open: () => undefined,
  announce: () => undefined,
  offerUndo: (_sentence, undo) => offered.push(undo),
  show: () => undefined,
};

const show = (part: ReactNode) => {
  const services = {
    db,
    sync,
    answers: new Answers(db, 1),
    session: new Session(db.name),
  };
  return render(
    <ServicesContext value={services}>
      <ConvosyncProvider db={db} sync={sync}>
        <PageContext value={page}>{part}</PageContext>
      </ConvosyncProvider>
    </ServicesContext>,
  );
};

const answer = {
  conversation_id: "c",
  message_id: "m",
  timestamp: "2026-01-01T12:00:00Z",
  output: { output_status: "completed", output_content_text: "Seventy-five degrees." },
};

test("signing in tells how many conversations are merged, and what went wrong", async () => {
  await db.conversations.bulkAdd([{ id: "a" }, { id: "b" }]);
  vi.spyOn(sync, "signIn").mockRejectedValue(new Error("The token is not valid"));
  show(<SignInDialog onClose={() => undefined} />);
  await screen.findByText(/^2 conversations from this device will be merged/);
  await userEvent.type(screen.getByLabelText("User id"), "ada");
  await userEvent.type(screen.getByLabelText(/^Token/), "wrong");
  await userEvent.click(screen.getByRole("button", { name: "Sign in and merge" }));
  await within(await screen.findByRole("alert")).findByText("The token is not valid");
  expect(screen.getByRole("button", { name: "Sign in and merge" }).hasAttribute("disabled")).toBe(
    false,
  );
});

test("an edit changes the text alone, Escape nothing", async () => {
  await db.messages.add(answer);
  show(<Transcript messages={[answer]} />);
  await userEvent.click(screen.getByRole("button", { name: "Edit the answer" }));
  const field = screen.getByRole("textbox", { name: "Edit the answer" });
  await userEvent.clear(field);
  await userEvent.type(field, "Eighty.");
  await userEvent.keyboard("{Escape}");
  expect((await db.messages.get(["c", "m"]))?.output).toEqual(answer.output);

  await userEvent.click(screen.getByRole("button", { name: "Edit the answer" }));
  await userEvent.type(screen.getByRole("textbox", { name: "Edit the answer" }), " Or so.");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(async () =>
    expect((await db.messages.get(["c", "m"]))?.output).toEqual({
      ...answer.output,
      output_content_text: "Seventy-five degrees. Or so.",
    }),
  );
});

test("a deleted message can be brought back", async () => {
  await db.messages.add(answer);
  show(<Transcript messages={[answer]} />);
  await userEvent.click(screen.getByRole("button", { name: "Delete the answer" }));
  await waitFor(() => expect(offered).toHaveLength(1));
  expect(await db.messages.count()).toBe(0);
  await offered[0]?.();
  expect((await db.messages.get(["c", "m"]))?.output).toEqual(answer.output);
});

test("an answer that this page does not write is another device's", () => {
  const output = { output_status: "in_progress", output_content_text: "Sev" };
  show(<Transcript messages={[{ ...answer, output }]} />);
  screen.getByText("Another device is writing this answer.");
  expect(screen.getByRole("article").getAttribute("aria-busy")).toBe("true");
});

test("what other apps have written shows with who says it, and is edited where it stands", async () => {
  const keys = { conversation_id: "c", timestamp: answer.timestamp };
  const messages = [
    { ...keys, message_id: "1", request: { request_input: "Why?" }, output: {} },
    { ...keys, message_id: "2", request: { request_messages_role: "tool" } },
  ];
  await db.messages.bulkAdd(messages);
  show(<Transcript messages={messages} />);
  const [asked, answered, tool] = screen.getAllByRole("article").map((one) => one.textContent);
  expect(asked).toMatch(/^You.*Why\?$/);
  expect(answered).toMatch(/^Model.*A message without text\.$/);
  expect(tool).toMatch(/^Tool.*A message without text\.$/);
  await userEvent.click(screen.getByRole("button", { name: "Edit your message" }));
  await userEvent.type(screen.getByRole("textbox"), " And how?");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(async () =>
    expect((await db.messages.get(["c", "1"]))?.request).toEqual({
      request_input: "Why? And how?",
    }),
  );
});

test("of many messages the last are shown, and more on demand", async () => {
  const messages = Array.from({ length: 100 }, (_, index) => ({
    ...answer,
    message_id: `${index}`,
    output: { output_content_text: `Answer ${index}` },
  }));
  show(<Transcript messages={messages} />);
  expect(screen.getAllByRole("article")).toHaveLength(80);
  expect(screen.queryByText("Answer 19")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Show earlier messages (20)" }));
  screen.getByText("Answer 0");
});

test("an offer to undo says its key to those who listen", async () => {
  let undone = 0;
  const offer = { sentence: "It is deleted.", undo: () => Promise.resolve() };
  render(<UndoToast offer={offer} onUndo={() => (undone += 1)} onDismiss={() => undefined} />);
  expect(screen.getByRole("status").textContent).toBe("It is deleted. Press Alt Z to undo.");
  await userEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect(undone).toBe(1);
});
