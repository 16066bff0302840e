export type Mail = {
  /** Becomes the Message-ID; the same for each attempt. */
  id: string;
  to: string;
  subject: string;
  text: string;
};

export type Mailer = {
  /**
   * Hands the mail to the transport. Must reject on temporary failures (no connection, 4yz) and return `refused` on
   * permanent ones (5yz). A mail that is sent twice must have the same Message-ID.
   */
  send(mail: Mail): Promise<{ refused: string } | "sent">;
  /** Must reject while mails cannot be sent. */
  check(): Promise<void>;
  close(): void;
};
