import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/chat.css";
import "./styles/dialogs.css";
import { convosync } from "@convosync/client";
import { ConvosyncProvider } from "@convosync/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Answers } from "./answers";
import { ServicesContext } from "./app-context";
import { App } from "./components/App";
import { ChatDatabase } from "./database";
import { databaseName, serverUrl } from "./server";
import { Session } from "./session";

const page = new URL(location.href);
const db = new ChatDatabase(databaseName(page));
const session = new Session(db.name);
const sync = convosync(db, { url: serverUrl(page), token: session.token });
const answers = new Answers(db, 35, (navigator as Partial<Navigator>).locks);

sync.start();
void answers.finishAbandoned();

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <ServicesContext value={{ db, sync, answers, session }}>
      <ConvosyncProvider db={db} sync={sync}>
        <App />
      </ConvosyncProvider>
    </ServicesContext>
  </StrictMode>,
);
