/** Questions to a kernel, answered by `tauto_magics.lab`: nothing of the user's is touched, no name is left behind. */

import { type Kernel, KernelMessage } from "@jupyterlab/services";

/** Why a kernel gave no answer, in words for a person. */
export class KernelTrouble extends Error {}

const NOT_INSTALLED = "TAuto is not installed where this kernel runs. Install it there: pip install tauto";

/**
 * Returns what `tauto_magics.lab` answers to `call`, such as `form("tauto_quantize")`. While a cell runs the question
 * goes over a subshell, beside the cell.
 */
export async function ask<Answer>(
  kernel: Kernel.IKernelConnection | null | undefined,
  call: string,
): Promise<Answer> {
  return (await evaluate(kernel, `__import__("tauto_magics.lab").lab.${call}`)) as Answer;
}

/** Evaluates a Python expression in a kernel, and returns its JSON form. */
export async function evaluate(
  kernel: Kernel.IKernelConnection | null | undefined,
  expression: string,
): Promise<unknown> {
  if (!kernel) throw new KernelTrouble("This notebook has no kernel. Choose one first.");
  if (kernel.status === "dead") throw new KernelTrouble("The kernel has died. Restart it first.");
  const content = { code: "", silent: true, store_history: false, user_expressions: { tauto: expression } };
  const { content: reply } = await requested(kernel, content);
  if (reply.status !== "ok") throw new KernelTrouble("The kernel gave no answer. Is it a Python kernel?");
  const answer = reply.user_expressions.tauto as unknown as Answered | undefined;
  if (answer?.status === "ok") return answer.data["application/json"];
  if (answer?.ename === "ModuleNotFoundError") throw new KernelTrouble(NOT_INSTALLED);
  throw new KernelTrouble(answer ? `${answer.ename}: ${answer.evalue}` : "The kernel gave no answer.");
}

type Answered = { status: "ok"; data: Record<string, unknown>; ename?: never; evalue?: never } | Failed;
type Failed = { status: "error"; ename: string; evalue: string };
type Content = KernelMessage.IExecuteRequestMsg["content"];

async function requested(
  kernel: Kernel.IKernelConnection,
  content: Content,
): Promise<KernelMessage.IExecuteReplyMsg> {
  if (kernel.status !== "busy") return kernel.requestExecute(content).done;
  if (!kernel.supportsSubshells) {
    throw new KernelTrouble("The kernel is busy, and this one answers nothing beside the cell that runs.");
  }
  const message = KernelMessage.createMessage<KernelMessage.IExecuteRequestMsg>({
    msgType: "execute_request",
    channel: "shell",
    username: kernel.username,
    session: kernel.clientId,
    subshellId: await subshell(kernel),
    content: { allow_stdin: false, stop_on_error: false, ...content },
  });
  return (await kernel.sendShellMessage(message, true).done) as KernelMessage.IExecuteReplyMsg;
}

const subshells = new WeakMap<Kernel.IKernelConnection, Promise<string>>();

/** The one subshell of ours in a kernel; another where it was restarted. */
function subshell(kernel: Kernel.IKernelConnection): Promise<string> {
  let made = subshells.get(kernel);
  if (made === undefined) {
    made = kernel.requestCreateSubshell({}).done.then((reply) => reply.content.subshell_id);
    subshells.set(kernel, made);
    const forget = (_: unknown, status: KernelMessage.Status) => {
      if (status !== "restarting" && status !== "autorestarting" && status !== "dead") return;
      kernel.statusChanged.disconnect(forget);
      subshells.delete(kernel);
    };
    kernel.statusChanged.connect(forget);
    made.catch(() => subshells.delete(kernel)); // asked again the next time
  }
  return made;
}
