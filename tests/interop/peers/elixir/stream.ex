defmodule Tw.Stream do
  @moduledoc """
  Records are cut from what arrives (section 5.1). What is kept are bytes that came, never room for what a
  prefix announces, and when the first of them came: deadlines are counted from there.
  """

  defstruct buffer: "", since: nil, max: 4_194_304

  @doc """
  Appends what arrived at this time. `{records, stream}`: each is `{bytes, since}`; the last may be
  `:too_long`, after which nothing is read.
  """
  def feed(stream, data, now) do
    since = if stream.buffer == "", do: now, else: stream.since
    cut(%{stream | buffer: stream.buffer <> data, since: since}, now, [])
  end

  defp cut(stream, now, found) do
    case stream.buffer do
      <<n::32, _::binary>> when n > stream.max ->
        {Enum.reverse([:too_long | found]), %{stream | buffer: "", since: nil}}

      <<n::32, record::binary-size(n), rest::binary>> ->
        # Of what follows the first byte came just now: before it, this record was not whole.
        found = [{record, stream.since} | found]
        cut(%{stream | buffer: rest, since: if(rest != "", do: now)}, now, found)

      _ ->
        {Enum.reverse(found), stream}
    end
  end

  @doc "How many bytes of an unfinished record are there, or nil between two records."
  def inside(%{buffer: ""}), do: nil
  def inside(%{buffer: buffer}), do: max(byte_size(buffer) - 4, 0)
end
