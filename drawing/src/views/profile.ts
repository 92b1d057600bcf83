import { moduleTree } from "../data/modules";
import { duration, plural, share } from "../data/numbers";
import { phaseParts } from "../data/phases";
import { element } from "../dom";
import { PROFILE, type Profile } from "../reports/profile";
import { type Read, read } from "../reports/reading";
import { store } from "../store";
import type { View } from "../view";
import { courseView } from "./course";
import { factsView } from "./facts";
import { findingsView, type Trying } from "./findings";
import { memoryView } from "./memory";
import { modulesView } from "./modules";
import { rooflineView } from "./roofline";
import { type Tab, tabs } from "./tabs";

/** Reads a profile from JSON, or says why it cannot be drawn. */
export function readProfile(json: unknown): Read<Profile> {
  return read(json, "profile", PROFILE);
}

/** A whole profile. `trying` lets its findings be tried, where a kernel can. */
export function profileView(
  host: HTMLElement,
  data: Profile,
  { trying = null }: { trying?: Trying | null } = {},
): View<Profile> {
  let drawn = draw(host, data, trying);
  return {
    update(profile) {
      // a trial changes the findings alone, and what a person has opened stays open
      if (drawn.sameButFindings(profile)) return drawn.findings(profile);
      drawn.dispose();
      drawn = draw(host, profile, trying);
    },
    dispose: () => drawn.dispose(),
  };
}

function draw(host: HTMLElement, profile: Profile, trying: Trying | null) {
  const root = element("article", { class: "tauto", "aria-label": `Profile of ${profile.subject}` });
  root.append(
    element("div", { class: "tauto-soft" }, `Profile of ${profile.subject}`),
    element("h2", { class: "tauto-headline" }, headline(profile)),
  );
  host.append(root);
  const ends: (() => void)[] = [];
  const nodes = moduleTree(profile);
  const picked = store<number | null>(null);
  let findings: ReturnType<typeof findingsView> | null = null;
  let latest = profile;

  const pages: (Tab | null)[] = [
    {
      title: profile.findings.length ? `Findings (${profile.findings.length})` : "Findings",
      draw(page) {
        findings = findingsView(page, latest.findings, trying);
        ends.push(findings.dispose);
      },
    },
    nodes.length
      ? { title: "Modules", draw: (page) => ends.push(modulesView(page, profile, nodes, picked)) }
      : null,
    nodes.length
      ? { title: "Roofline", draw: (page) => ends.push(rooflineView(page, profile, nodes, picked)) }
      : null,
    memoryTab(profile, ends),
    profile.phases.length || profile.lines.length
      ? { title: "Steps and lines", draw: (page) => ends.push(courseView(page, profile)) }
      : null,
    { title: "Conditions", draw: (page) => conditions(page, profile) },
  ];
  tabs(
    root,
    "Parts of the profile",
    pages.filter((tab) => tab !== null),
  );

  return {
    sameButFindings(next: Profile): boolean {
      const bare = (one: Profile) => JSON.stringify({ ...one, findings: one.findings.length });
      return bare(next) === bare(profile);
    },
    findings(next: Profile): void {
      latest = next;
      findings?.update(next.findings);
    },
    dispose(): void {
      for (const end of ends) end();
      root.remove();
    },
  };
}

function memoryTab({ memory }: Profile, ends: (() => void)[]): Tab | null {
  return memory && { title: "Memory", draw: (page) => ends.push(memoryView(page, memory)) };
}

/** Returns in one line where the time goes. */
export function headline(profile: Profile): string {
  const { wall_ms, outside_ms, roots, findings, phases } = profile;
  if (!roots.length) return `${duration(wall_ms)}, and no model was called`;
  const told = findings.length ? plural(findings.length, "finding") : "nothing found that holds it back";
  const longest = phaseParts(phases).sort((a, b) => b.share - a.share);
  const outside = wall_ms > 0 ? outside_ms / wall_ms : 0;
  const models = roots.length === 1 ? "in the model" : `in ${roots.length} models`;
  const where = longest.length
    ? longest
        .slice(0, 2)
        .map((part) => `${share(part.share)} ${part.words}`)
        .join(", ")
    : `${share(1 - outside)} ${models}, ${share(outside)} outside`;
  return `${duration(wall_ms)}: ${where}; ${told}`;
}

function conditions(host: HTMLElement, profile: Profile): void {
  const facts: [string, string][] = [
    ["Machine", `${profile.machine} (${profile.device}, ${plural(profile.threads, "thread")})`],
    [
      "Sampled",
      `${profile.sampled_calls.toLocaleString("en-US")} of ${plural(profile.root_calls, "call")}, operator by operator; the others were timed only`,
    ],
    ...profile.roots.map((root): [string, string] => [
      root.name,
      `${root.kind}, ${plural(root.calls, "call")}, ${duration(root.total_ms)}, in ${root.training ? "training" : "eval"} mode; ${root.shapes.slice(0, 4).join(", ") || "no inputs seen"}`,
    ]),
  ];
  factsView(host, facts);
}
