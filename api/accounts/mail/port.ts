export type Mail = {
  /** Of this very mail, however often it is tried: becomes its Message-ID. */
  id: string;
  to: string;
  subject: string;
  text: string;
};

export type Mailer = {
  /**
   * Must give the mail to whoever brings it on. Must reject when it may work later (no connection, 4xx), and must answer
   * `refused` when it never will (5xx). Sending the same mail twice must give a mail with the same Message-ID.
   */
  send(mail: Mail): Promise<{ refused: string } | "sent">;
  /** Must reject when mails cannot be sent at the moment. */
  check(): Promise<void>;
  close(): void;
};
