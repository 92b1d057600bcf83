import { element } from "../dom";
import { PROFILE, type Profile } from "../reports/profile";
import { type Read, read } from "../reports/reading";
import type { View } from "../view";
import { phasesView } from "./phases";

/** Reads a profile from JSON, or says why it cannot be drawn. */
export function readProfile(json: unknown): Read<Profile> {
  return read(json, "profile", PROFILE);
}

/** A whole profile. */
export function profileView(host: HTMLElement, data: Profile): View<Profile> {
  const root = element("article", { class: "tauto", "aria-label": `Profile of ${data.subject}` });
  host.append(root);
  const phases = phasesView(root, data.phases);
  return {
    update(profile) {
      phases.update(profile.phases);
    },
    dispose() {
      phases.dispose();
      root.remove();
    },
  };
}
