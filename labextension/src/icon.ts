import { LabIcon } from "@jupyterlab/ui-components";

/** Three bars, each lower than the one before: what takes less and less. */
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><g class="jp-icon3" fill="#616161">' +
  '<path d="M2 2h3v12H2zM6.5 6h3v8h-3zM11 10h3v4h-3z"/></g></svg>';

export const tautoIcon = new LabIcon({ name: "tauto:icon", svgstr: SVG });
