import { LabIcon } from "@jupyterlab/ui-components";
import svg from "./icon.svg";

/** A falling row of bars: what takes less and less. */
export const tautoIcon = new LabIcon({ name: "tauto:icon", svgstr: svg });
