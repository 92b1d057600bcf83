/** What draws data into an element, and can be drawn anew or taken away. */
export interface View<Data = unknown> {
  /** Draws other data in the same place. */
  update(data: Data): void;
  /** Takes away all that was drawn and every listener. */
  dispose(): void;
}
