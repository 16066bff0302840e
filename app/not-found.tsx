import Link from "next/link";

export default function NotFound() {
  return (
    <main id="main" className="account">
      <div className="account-card">
        <h1>No such page</h1>
        <p>
          <Link href="/">Go to the board</Link>
        </p>
      </div>
    </main>
  );
}
