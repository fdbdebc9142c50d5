defmodule Tw.Cbor do
  @moduledoc """
  CBOR as terms: integers, `{:text, b}`, `{:bytes, b}`, `{:array, list}`, `{:map, pairs}`, booleans and nil.

  Writing keeps the rules of section 3.2. Reading here takes any well-formed CBOR: the body of a method is
  CBOR, not a value of the subset. Frames are judged in Tw.Read.
  """
  import Bitwise

  # Bodies may nest, but not so deep that a few megabytes of heads cost much memory.
  @deepest 1_000
  @value_depth 16

  def head(major, n) when n < 24, do: <<major::3, n::5>>
  def head(major, n) when n < 0x100, do: <<major::3, 24::5, n>>
  def head(major, n) when n < 0x10000, do: <<major::3, 25::5, n::16>>
  def head(major, n) when n < 0x100000000, do: <<major::3, 26::5, n::32>>
  def head(major, n), do: <<major::3, 27::5, n::64>>

  @doc "The item's bytes. Throws `{:refused, rule}` where it is no value of section 3.2."
  def write(term, depth \\ 0)
  def write(n, _) when is_integer(n) and n >= 0 and n < 1 <<< 64, do: head(0, n)
  def write(n, _) when is_integer(n) and n < 0 and n >= -(1 <<< 64), do: head(1, -1 - n)
  def write({:bytes, b}, _), do: head(2, byte_size(b)) <> b

  def write({:text, b}, _) do
    unless String.valid?(b), do: throw({:refused, "F-16"})
    head(3, byte_size(b)) <> b
  end

  def write(false, _), do: <<0xF4>>
  def write(true, _), do: <<0xF5>>
  def write(nil, _), do: <<0xF6>>
  def write({kind, _}, @value_depth) when kind in [:array, :map], do: throw({:refused, "X-9"})

  def write({:array, items}, depth),
    do: IO.iodata_to_binary([head(4, length(items)) | Enum.map(items, &write(&1, depth + 1))])

  def write({:map, pairs}, depth) do
    # Bytewise order of the keys (E-8), and the first of duplicates (X-12).
    written =
      pairs
      |> Enum.map(fn {k, v} -> {nested_key(k, depth), write(v, depth + 1)} end)
      |> Enum.uniq_by(&elem(&1, 0))
      |> Enum.sort()

    IO.iodata_to_binary([head(5, length(written)) | Enum.map(written, fn {k, v} -> [k, v] end)])
  end

  def write(_, _), do: throw({:refused, "X-8"})

  defp nested_key(k, _) when is_integer(k) and k >= 0, do: write(k)
  defp nested_key({:text, _} = k, _), do: write(k)
  defp nested_key(_, _), do: throw({:refused, "X-10"})

  @doc "`{:ok, term}` of bytes that are one well-formed item, else `:error`."
  def read_one(bytes) do
    case item(bytes, 0) do
      {term, ""} -> {:ok, term}
      _ -> :error
    end
  catch
    :malformed -> :error
  end

  @doc "The item at the beginning and what follows it. Throws `:malformed`."
  def item(_, depth) when depth > @deepest, do: throw(:malformed)

  def item(<<major::3, 31::5, rest::binary>>, depth) when major in 2..5,
    do: endless(major, rest, depth, [])

  def item(<<7::3, 25::5, f::16-bits, rest::binary>>, _), do: {float(f), rest}
  def item(<<7::3, 26::5, f::32-bits, rest::binary>>, _), do: {float(f), rest}
  def item(<<7::3, 27::5, f::64-bits, rest::binary>>, _), do: {float(f), rest}

  def item(bytes, depth) do
    {major, n, rest} = argument(bytes)

    case major do
      0 -> {n, rest}
      1 -> {-1 - n, rest}
      2 -> content(:bytes, n, rest)
      3 -> content(:text, n, rest)
      4 -> some(n, rest, depth + 1, [])
      5 -> pairs(n, rest, depth + 1, [])
      6 -> with {inner, rest} <- item(rest, depth + 1), do: {{:tag, n, inner}, rest}
      7 -> {simple(n), rest}
    end
  end

  @doc "The argument of the head at the beginning, and what follows it."
  def count(bytes) do
    {_, n, rest} = argument(bytes)
    {n, rest}
  end

  defp argument(<<major::3, n::5, rest::binary>>) when n < 24, do: {major, n, rest}
  defp argument(<<7::3, 24::5, n, rest::binary>>) when n >= 32, do: {7, n, rest}
  defp argument(<<7::3, _::bits>>), do: throw(:malformed)
  defp argument(<<major::3, 24::5, n, rest::binary>>), do: {major, n, rest}
  defp argument(<<major::3, 25::5, n::16, rest::binary>>), do: {major, n, rest}
  defp argument(<<major::3, 26::5, n::32, rest::binary>>), do: {major, n, rest}
  defp argument(<<major::3, 27::5, n::64, rest::binary>>), do: {major, n, rest}
  defp argument(_), do: throw(:malformed)

  defp content(kind, n, rest) do
    case rest do
      <<b::binary-size(n), rest::binary>> -> {{kind, b}, rest}
      _ -> throw(:malformed)
    end
  end

  defp some(0, rest, _, items), do: {{:array, Enum.reverse(items)}, rest}

  defp some(n, rest, depth, items) do
    {term, rest} = item(rest, depth)
    some(n - 1, rest, depth, [term | items])
  end

  defp pairs(0, rest, _, items), do: {{:map, Enum.reverse(items)}, rest}

  defp pairs(n, rest, depth, items) do
    {k, rest} = item(rest, depth)
    {v, rest} = item(rest, depth)
    pairs(n - 1, rest, depth, [{k, v} | items])
  end

  defp endless(major, <<0xFF, rest::binary>>, _, items) do
    items = Enum.reverse(items)

    case major do
      2 -> {{:bytes, joined(:bytes, items)}, rest}
      3 -> {{:text, joined(:text, items)}, rest}
      4 -> {{:array, items}, rest}
      5 -> {{:map, two_by_two(items)}, rest}
    end
  end

  defp endless(major, rest, depth, items) do
    {term, rest} = item(rest, depth + 1)
    endless(major, rest, depth, [term | items])
  end

  defp joined(kind, chunks) do
    for chunk <- chunks, into: "" do
      case chunk do
        {^kind, b} -> b
        _ -> throw(:malformed)
      end
    end
  end

  defp two_by_two(items) do
    if rem(length(items), 2) == 1, do: throw(:malformed)
    items |> Enum.chunk_every(2) |> Enum.map(&List.to_tuple/1)
  end

  defp float(bits) do
    size = bit_size(bits)

    case bits do
      <<f::float-size(size)>> -> {:float, f}
      _ -> {:float, :none}
    end
  end

  defp simple(20), do: false
  defp simple(21), do: true
  defp simple(22), do: nil
  defp simple(n), do: {:simple, n}
end
