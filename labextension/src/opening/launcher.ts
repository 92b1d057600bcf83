/** The launcher's cards: tutorials and templates, copied into the user's folder when they are opened. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { PageConfig, PathExt, URLExt } from "@jupyterlab/coreutils";
import type { IDocumentManager } from "@jupyterlab/docmanager";
import type { ILauncher } from "@jupyterlab/launcher";
import { type Contents, ServerConnection } from "@jupyterlab/services";
import { tautoIcon } from "../icon";
import { catalogueOf, freeName, type Offered } from "./catalogue";

const OPEN = "tauto:open-notebook";

/** Adds the command that opens an offered notebook, and a card for each. */
export async function addCards(
  app: JupyterFrontEnd,
  documents: IDocumentManager,
  launcher: ILauncher,
): Promise<void> {
  const offered = catalogueOf(await fetched("index.json"));
  const byFile = new Map(offered.map((one) => [one.file, one]));
  app.commands.addCommand(OPEN, {
    label: (args) => byFile.get(String(args.file))?.title ?? "Open one of TAuto's notebooks",
    caption: (args) => byFile.get(String(args.file))?.caption ?? "",
    icon: tautoIcon,
    execute: async (args) => {
      const chosen = byFile.get(String(args.file));
      if (!chosen) throw new Error(`TAuto has no notebook ${String(args.file)}.`);
      return open(app, documents, chosen, String(args.cwd ?? ""));
    },
  });
  offered.forEach((one, rank) => {
    launcher.add({ command: OPEN, args: { file: one.file }, category: "TAuto", rank });
  });
}

/**
 * Copies a notebook into `folder` and opens it. A tutorial that is there already is opened as it is; of a template there
 * is a new one each time.
 */
async function open(
  app: JupyterFrontEnd,
  documents: IDocumentManager,
  chosen: Offered,
  folder: string,
): Promise<unknown> {
  const { contents } = app.serviceManager;
  const listed = (await contents.get(folder)).content as Contents.IModel[];
  const taken = new Set(listed.map((file) => file.name));
  const name = chosen.kind === "tutorial" ? chosen.file : freeName(chosen.file, taken);
  const path = PathExt.join(folder, name);
  if (!taken.has(name)) {
    await contents.save(path, { type: "notebook", format: "json", content: await fetched(chosen.file) });
  }
  return documents.openOrReveal(path);
}

/** Reads a file that the extension carries. */
async function fetched(file: string): Promise<unknown> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(
    settings.baseUrl,
    PageConfig.getOption("labextensionsUrl") || "lab/extensions",
    "tauto/notebooks",
    file,
  );
  const response = await ServerConnection.makeRequest(url, {}, settings);
  if (!response.ok) throw new ServerConnection.ResponseError(response);
  return response.json();
}
